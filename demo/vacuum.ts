import { areas, entry, fixed, rounded, type DemoDevice } from './device.ts';
import { record, setpoint, states } from './record.ts';

const gaugeUnits = [111, 211, 311, 411, 511, 611, 711, 811] as const;
const pumpUnits = [121, 221, 321, 421, 521, 621, 721, 821] as const;
const valveUnits = [150, 450, 850] as const;
const clock = 'SIM:LI20:1:CLOCK';

/** Pressure breathes with a period of its own; its peaks reach MINOR, and with some gauges MAJOR. */
function gauge(area: string, unit: number): DemoDevice {
  const device = `VGCC:${area}:${unit}`;
  const pv = (attribute: string): string => `${device}:${attribute}`;
  const period = rounded(60 + 180 * fixed(`${device}T`), 1);
  const height = rounded(0.8 + 1.4 * fixed(`${device}H`), 2);
  const records = [
    record('calc', pv('P'), {
      SCAN: '2 second', INPA: clock, INPB: rounded((2 * Math.PI) / period, 5), INPC: rounded(fixed(`${device}P`) * 6.28, 2), INPD: height,
      CALC: '2E-9*10**(D*MAX(0,SIN(A*B+C))**4)*(1+0.05*(RNDM-0.5))', EGU: 'Torr', PREC: 11, LOPR: 1e-10, HOPR: 1e-4,
      HIGH: 3e-8, HIHI: 1e-7, HSV: 'MINOR', HHSV: 'MAJOR', DESC: 'Pressure', FLNK: pv('STATC'),
    }),
    setpoint(pv('PTRIP'), 5e-7, { low: 1e-9, high: 1e-5, unit: 'Torr', precision: 9 }, { DESC: 'Trip level' }),
    record('calc', pv('STATC'), { INPA: pv('P'), INPB: pv('PTRIP'), CALC: 'A>B?2:(A>B/10?1:0)', FLNK: pv('STATE') }),
    record('mbbi', pv('STATE'), { INP: pv('STATC'), ...states(['Good', 'Near trip', 'Tripped'], ['', 'MINOR', 'MAJOR']), DESC: 'State' }),
  ];
  const tags = { area, system: 'Vacuum', kind: 'Gauge' };
  return {
    records,
    entries: [
      entry(device, 'Pressure', { readbackAddress: pv('P') }, tags, { relTolerance: 0.5 }),
      entry(device, 'Trip level', { setpointAddress: pv('PTRIP'), readbackAddress: pv('STATE') }, tags, { absTolerance: 1e-12 }),
    ],
  };
}

function pump(area: string, unit: number): DemoDevice {
  const device = `VPIO:${area}:${unit}`;
  const pv = (attribute: string): string => `${device}:${attribute}`;
  const records = [
    setpoint(pv('VDES'), 5500, { low: 0, high: 7000, unit: 'V', precision: 0 }, { DESC: 'High voltage setpoint', HIGH: 6500, HSV: 'MINOR' }),
    record('bo', pv('HVCTRL'), { VAL: 1, PINI: 'YES', ZNAM: 'Off', ONAM: 'On', DESC: 'High voltage' }),
    record('bi', pv('HVSTAT'), { INP: `${pv('HVCTRL')} CP`, PINI: 'YES', ZNAM: 'Off', ONAM: 'On', ZSV: 'MAJOR', DESC: 'High voltage, as read' }),
    record('calc', pv('VACT'), {
      SCAN: '2 second', INPA: pv('VACT'), INPB: pv('VDES'), INPC: pv('HVCTRL'), CALC: 'A+(B*C-A)*0.5+4*(RNDM-0.5)', EGU: 'V', PREC: 0, LOPR: 0, HOPR: 7000,
      LOW: 3000, LSV: 'MINOR', DESC: 'High voltage readback', FLNK: pv('IACT'),
    }),
    record('calc', pv('IACT'), { INPA: pv('VACT'), INPB: rounded(1 + 3 * fixed(device), 2), CALC: 'A/5500*B*(1+0.02*RNDM)', EGU: 'uA', PREC: 2, HIGH: 3.9, HSV: 'MINOR', DESC: 'Pump current' }),
  ];
  const tags = { area, system: 'Vacuum', kind: 'Ion pump' };
  return {
    records,
    entries: [
      entry(device, 'High voltage', { setpointAddress: pv('VDES'), readbackAddress: pv('VACT') }, tags, { absTolerance: 20 }),
      entry(device, 'High voltage on or off', { setpointAddress: pv('HVCTRL'), readbackAddress: pv('HVSTAT') }, tags),
      entry(device, 'Pump current', { readbackAddress: pv('IACT') }, tags, { relTolerance: 0.05 }),
    ],
  };
}

/** A valve travels for two seconds; between its ends it is neither open nor closed. */
function valve(area: string, unit: number): DemoDevice {
  const device = `VVPG:${area}:${unit}`;
  const pv = (attribute: string): string => `${device}:${attribute}`;
  const records = [
    record('bo', pv('CTRL'), { VAL: 1, PINI: 'YES', ZNAM: 'Close', ONAM: 'Open', DESC: 'Valve command' }),
    record('calc', pv('POSC'), { VAL: 100, SCAN: '.5 second', INPA: pv('POSC'), INPB: pv('CTRL'), CALC: 'MAX(0,MIN(100,A+(B?25:-25)))', FLNK: pv('STATC') }),
    record('calc', pv('STATC'), { INPA: pv('POSC'), CALC: 'A=0?0:(A=100?1:2)', FLNK: pv('STATUS') }),
    record('mbbi', pv('STATUS'), { INP: pv('STATC'), ...states(['Closed', 'Open', 'Moving'], ['MINOR']), DESC: 'Valve position' }),
  ];
  return {
    records,
    entries: [entry(device, 'Sector valve', { setpointAddress: pv('CTRL'), readbackAddress: pv('STATUS') }, { area, system: 'Vacuum', kind: 'Valve' })],
  };
}

export function vacuum(): DemoDevice[] {
  const ticking: DemoDevice = { records: [record('calc', clock, { SCAN: '2 second', INPA: clock, CALC: 'A+2', EGU: 's', DESC: 'Seconds since start' })], entries: [] };
  const all = areas.flatMap((area) => [
    ...gaugeUnits.map((unit) => gauge(area, unit)),
    ...pumpUnits.map((unit) => pump(area, unit)),
    ...valveUnits.map((unit) => valve(area, unit)),
  ]);
  return [ticking, ...all];
}
