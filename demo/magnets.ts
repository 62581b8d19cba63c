import { areas, entry, fixed, rounded, type DemoDevice } from './device.ts';
import { record, setpoint, states } from './record.ts';

interface Family {
  name: string;
  kind: string;
  units: readonly number[];
  high: number;
  description: string;
}

const families: readonly Family[] = [
  { name: 'QUAD', kind: 'Quadrupole', units: [201, 211, 221, 271, 301, 401, 501, 601, 701, 801], high: 20, description: 'Quadrupole field' },
  { name: 'XCOR', kind: 'Corrector', units: [202, 302, 402, 602, 802], high: 0.5, description: 'Horizontal corrector field' },
  { name: 'YCOR', kind: 'Corrector', units: [203, 303, 403, 603, 803], high: 0.5, description: 'Vertical corrector field' },
  { name: 'BEND', kind: 'Bend', units: [231], high: 8, description: 'Bunch compressor bend field' },
];

export const bendLock = 'MPS:SYS0:1:BENDLOCK';

/** The readback goes 40 % of the way every half second and shakes a little; without power it falls to zero. */
function magnet(family: Family, area: string, unit: number): DemoDevice {
  const device = `${family.name}:${area}:${unit}`;
  const pv = (attribute: string): string => `${device}:${attribute}`;
  const { high } = family;
  const limits = { low: -high, high, unit: 'kG', precision: 4 };
  const start = rounded((fixed(device) * 1.6 - 0.8) * high, 4);
  const noise = high * 2e-4;
  const guarded: Record<string, string> = family.name === 'BEND' ? { ASG: 'LOCKABLE' } : {};
  const alarms = { HIHI: high * 1.02, HIGH: high * 0.97, LOW: -high * 0.97, LOLO: -high * 1.02, HHSV: 'MAJOR', HSV: 'MINOR', LSV: 'MINOR', LLSV: 'MAJOR' };
  const records = [
    setpoint(pv('BCTRL'), start, limits, { ...guarded, DESC: `${family.description} setpoint`, HIGH: high * 0.95, LOW: -high * 0.95, HSV: 'MINOR', LSV: 'MINOR' }),
    setpoint(pv('BCON'), start, limits, { DESC: 'Configured value' }),
    record('bo', pv('POWER'), { VAL: 1, PINI: 'YES', ZNAM: 'Off', ONAM: 'On', DESC: 'Power supply' }),
    record('calc', pv('BACT'), {
      VAL: start, SCAN: '.5 second', INPA: pv('BACT'), INPB: pv('BCTRL'), INPC: pv('POWER'), INPD: noise,
      CALC: 'A+(B*C-A)*0.4+D*(RNDM-0.5)', EGU: 'kG', PREC: 4, LOPR: -high, HOPR: high, ...alarms,
      DESC: `${family.description} readback`, FLNK: pv('IACT'),
    }),
    record('calc', pv('IACT'), {
      INPA: pv('BACT'), INPB: rounded(200 / high, 3), CALC: 'A*B', EGU: 'A', PREC: 3, MDEL: 0.05, DESC: 'Power supply current', FLNK: pv('STATC'),
    }),
    record('calc', pv('STATC'), {
      INPA: pv('BACT'), INPB: pv('BCTRL'), INPC: pv('POWER'), INPD: noise * 4, CALC: 'C=0?2:(ABS(A-B)>D?1:0)', FLNK: pv('STATUS'),
    }),
    record('mbbi', pv('STATUS'), { INP: pv('STATC'), ...states(['Good', 'Trimming', 'Off'], ['', 'MINOR', 'MAJOR']), DESC: 'Power supply status' }),
  ];
  const tags = { area, system: 'Magnets', kind: family.kind };
  return {
    records,
    entries: [
      entry(device, family.description, { setpointAddress: pv('BCTRL'), readbackAddress: pv('BACT'), configAddress: pv('BCON') }, tags, { absTolerance: noise * 4 }),
      entry(device, 'Power supply on or off', { setpointAddress: pv('POWER'), readbackAddress: pv('STATUS') }, tags),
      entry(device, 'Power supply current', { readbackAddress: pv('IACT') }, tags, { absTolerance: 0.2, relTolerance: 0.001 }),
    ],
  };
}

/** A lock that takes the right to write all bends away, as machine protection does. */
function lock(): DemoDevice {
  return {
    records: [record('bo', bendLock, { VAL: 0, PINI: 'YES', ZNAM: 'Free', ONAM: 'Locked', DESC: 'Denies writes to all bends' })],
    entries: [entry('MPS:SYS0:1', 'Lock of the bends', { readbackAddress: bendLock }, { area: 'SYS0', system: 'Magnets', kind: 'Interlock' })],
  };
}

export function magnets(): DemoDevice[] {
  const all = areas.flatMap((area) => families.flatMap((family) => family.units.map((unit) => magnet(family, area, unit))));
  return [...all, lock()];
}
