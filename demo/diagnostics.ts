import { areas, entry, fixed, rounded, type DemoDevice } from './device.ts';
import { record, setpoint, states } from './record.ts';

const bpmUnits = [131, 161, 201, 233, 271, 301, 401, 501, 601, 701, 801] as const;
const offsetLimits = { low: -5, high: 5, unit: 'mm', precision: 3 };

function position(name: string, centre: number, offset: string, history: string): ReturnType<typeof record> {
  return record('calc', name, {
    SCAN: '1 second', INPA: centre, INPB: offset, CALC: 'A+B+0.02*(RNDM+RNDM-1)', EGU: 'mm', PREC: 3, LOPR: -10, HOPR: 10,
    HIGH: 2, HIHI: 3, LOW: -2, LOLO: -3, HSV: 'MINOR', HHSV: 'MAJOR', LSV: 'MINOR', LLSV: 'MAJOR', DESC: 'Beam position', FLNK: history,
  });
}

/** Position is orbit plus electrical offset plus noise: writing the offset moves the beam on the screen. */
function bpm(area: string, unit: number): DemoDevice {
  const device = `BPMS:${area}:${unit}`;
  const pv = (attribute: string): string => `${device}:${attribute}`;
  const orbit = (axis: string): number => rounded((fixed(device + axis) - 0.5) * 1.2, 3);
  const offset = (axis: string): number => rounded((fixed(`${device}${axis}O`) - 0.5) * 0.4, 3);
  const charge = 1.1e9 * (0.95 + 0.1 * fixed(`${device}Q`));
  const records = [
    position(pv('X'), orbit('X'), pv('XOFS'), pv('XHST')),
    position(pv('Y'), orbit('Y'), pv('YOFS'), pv('YHST')),
    record('calc', pv('TMIT'), { SCAN: '.5 second', INPA: charge, CALC: 'A*(1+0.01*(RNDM-0.5))', EGU: 'Nel', PREC: 0, LOW: 5e8, LSV: 'MINOR', DESC: 'Charge' }),
    record('compress', pv('XHST'), { INP: pv('X'), ALG: 'Circular Buffer', NSAM: 100, EGU: 'mm', PREC: 3, DESC: 'Horizontal position, history' }),
    record('compress', pv('YHST'), { INP: pv('Y'), ALG: 'Circular Buffer', NSAM: 100, EGU: 'mm', PREC: 3, DESC: 'Vertical position, history' }),
    setpoint(pv('XOFS'), offset('X'), offsetLimits, { DESC: 'Horizontal offset' }),
    setpoint(pv('YOFS'), offset('Y'), offsetLimits, { DESC: 'Vertical offset' }),
    record('longout', pv('ATTN'), { VAL: Math.round(fixed(`${device}T`) * 20), PINI: 'YES', EGU: 'dB', DRVL: 0, DRVH: 31, LOPR: 0, HOPR: 31, DESC: 'Attenuator' }),
    record('mbbo', pv('GAIN'), { VAL: 1, PINI: 'YES', ...states(['Low', 'Medium', 'High', 'Auto']), DESC: 'Gain' }),
    record('mbbi', pv('STAT'), { VAL: 0, PINI: 'YES', ...states(['OK', 'No beam', 'Saturated', 'Calibrating'], ['', 'MINOR', 'MAJOR', 'MINOR']), DESC: 'Status' }),
  ];
  const tags = { area, system: 'Diagnostics', kind: 'BPM' };
  return {
    records,
    entries: [
      entry(device, 'Horizontal position', { setpointAddress: pv('XOFS'), readbackAddress: pv('X') }, tags, { absTolerance: 0.05 }),
      entry(device, 'Vertical position', { setpointAddress: pv('YOFS'), readbackAddress: pv('Y') }, tags, { absTolerance: 0.05 }),
      entry(device, 'Charge', { readbackAddress: pv('TMIT') }, tags, { relTolerance: 0.02 }),
      entry(device, 'Horizontal position, history', { readbackAddress: pv('XHST') }, tags, { absTolerance: 0.1 }),
      entry(device, 'Vertical position, history', { readbackAddress: pv('YHST') }, tags, { absTolerance: 0.1 }),
      entry(device, 'Attenuator', { setpointAddress: pv('ATTN') }, tags),
      entry(device, 'Gain', { setpointAddress: pv('GAIN'), readbackAddress: pv('STAT') }, tags),
    ],
  };
}

/** LI24's toroid is broken in the ways that real ones are: a NaN, and a record that never was processed. */
function toroid(area: string): DemoDevice {
  const device = `TORO:${area}:215`;
  const pv = (attribute: string): string => `${device}:${attribute}`;
  const broken = area === 'LI24';
  const tags = { area, system: 'Diagnostics', kind: 'Toroid' };
  return {
    records: [
      broken
        ? record('ai', pv('TMIT'), { VAL: Number.NaN, PINI: 'YES', EGU: 'Nel', DESC: 'Charge' })
        : record('calc', pv('TMIT'), { SCAN: '.5 second', CALC: '1.1E9*(1+0.005*(RNDM-0.5))', EGU: 'Nel', PREC: 0, DESC: 'Charge' }),
      record('ai', pv('CALFACTOR'), broken ? { DESC: 'Calibration, never measured' } : { VAL: 1.02, PINI: 'YES', PREC: 3, DESC: 'Calibration' }),
    ],
    entries: [
      entry(device, 'Charge', { readbackAddress: pv('TMIT') }, tags, { relTolerance: 0.01 }),
      entry(device, 'Calibration', { readbackAddress: pv('CALFACTOR') }, tags),
    ],
  };
}

export function diagnostics(): DemoDevice[] {
  return areas.flatMap((area) => [toroid(area), ...bpmUnits.map((unit) => bpm(area, unit))]);
}
