import { areas, entry, fixed, rounded, type DemoDevice } from './device.ts';
import { record, setpoint, states } from './record.ts';

const stationUnits = [11, 21, 31, 41, 51, 61, 71, 81] as const;
const modes = ['Off', 'Standby', 'Accelerate', 'Maintenance'] as const;
const phaseLimits = { low: -180, high: 180, unit: 'degS', precision: 2 };

/** Phase follows its setpoint; amplitude is there only while the station accelerates. */
function station(area: string, unit: number): DemoDevice {
  const device = `KLYS:${area}:${unit}`;
  const pv = (attribute: string): string => `${device}:${attribute}`;
  const phase = rounded(fixed(`${device}P`) * 60 - 30, 2);
  const amplitude = rounded(180 + fixed(`${device}A`) * 60, 2);
  // Every eighth station or so is a spare on standby.
  const mode = fixed(`${device}M`) < 0.12 ? 1 : 2;
  const temperature = 34 + fixed(`${device}T`) * 5;
  const delay = Math.round(900 + fixed(`${device}D`) * 200);
  const records = [
    setpoint(pv('PDES'), phase, phaseLimits, { DESC: 'Phase setpoint' }),
    record('calc', pv('PHAS'), {
      VAL: phase, SCAN: '1 second', INPA: pv('PHAS'), INPB: pv('PDES'), CALC: 'A+(B-A)*0.7+0.1*(RNDM-0.5)', EGU: 'degS', PREC: 2, LOPR: -180, HOPR: 180,
      DESC: 'Phase readback',
    }),
    setpoint(pv('ADES'), amplitude, { low: 0, high: 280, unit: 'MV', precision: 2 }, { DESC: 'Amplitude setpoint', HIGH: 260, HSV: 'MINOR' }),
    record('calc', pv('AMPL'), {
      VAL: mode === 2 ? amplitude : 0, SCAN: '1 second', INPA: pv('AMPL'), INPB: pv('ADES'), INPC: pv('MODE'), CALC: 'A+((C=2?B:0)-A)*0.7+(C=2?0.2:0.01)*(RNDM-0.5)',
      EGU: 'MV', PREC: 2, LOPR: 0, HOPR: 280, HIHI: 270, HHSV: 'MAJOR', DESC: 'Amplitude readback', FLNK: pv('AHST'),
    }),
    record('compress', pv('AHST'), { INP: pv('AMPL'), ALG: 'Circular Buffer', NSAM: 60, EGU: 'MV', PREC: 2, DESC: 'Amplitude, last minute' }),
    record('mbbo', pv('MODE'), { VAL: mode, PINI: 'YES', ...states(modes), DESC: 'Requested mode' }),
    record('mbbi', pv('MODESTAT'), { INP: `${pv('MODE')} CP`, PINI: 'YES', ...states(modes, ['', '', '', 'MINOR']), DESC: 'Mode' }),
    record('longout', pv('TRIGDLY'), { VAL: delay, PINI: 'YES', EGU: 'ns', DRVL: 0, DRVH: 10000, LOPR: 0, HOPR: 10000, DESC: 'Trigger delay setpoint' }),
    record('longin', pv('TRIGACT'), { INP: `${pv('TRIGDLY')} CP`, PINI: 'YES', EGU: 'ns', LOPR: 0, HOPR: 10000, DESC: 'Trigger delay' }),
    record('calc', pv('TEMP'), {
      VAL: temperature, SCAN: '5 second', INPA: pv('TEMP'), INPB: temperature, CALC: 'A+(B-A)*0.1+0.3*(RNDM-0.5)', EGU: 'degC', PREC: 1,
      HIGH: 38, HIHI: 40, HSV: 'MINOR', HHSV: 'MAJOR', HYST: 0.2, DESC: 'Water temperature',
    }),
    record('bo', pv('ACCEPT'), { VAL: 1, PINI: 'YES', ZNAM: 'Reject', ONAM: 'Accept', DESC: 'Beam codes' }),
    record('bi', pv('ACCSTAT'), { INP: `${pv('ACCEPT')} CP`, PINI: 'YES', ZNAM: 'Rejected', ONAM: 'Accepted', DESC: 'Beam codes, as set' }),
    record('stringout', pv('NOTE'), { VAL: mode === 1 ? 'spare' : '', PINI: 'YES', DESC: 'Note for the next shift' }),
    record('stringin', pv('SERIAL'), { VAL: `5045-${area.slice(2)}${unit}-B`, PINI: 'YES', ASG: 'READONLY', DESC: 'Tube serial number' }),
  ];
  const tags = { area, system: 'RF', kind: 'Klystron' };
  return {
    records,
    entries: [
      entry(device, 'Phase', { setpointAddress: pv('PDES'), readbackAddress: pv('PHAS') }, tags, { absTolerance: 0.2 }),
      entry(device, 'Amplitude', { setpointAddress: pv('ADES'), readbackAddress: pv('AMPL') }, tags, { absTolerance: 0.3, relTolerance: 0.002 }),
      entry(device, 'Amplitude, last minute', { readbackAddress: pv('AHST') }, tags, { absTolerance: 0.5 }),
      entry(device, 'Mode', { setpointAddress: pv('MODE'), readbackAddress: pv('MODESTAT') }, tags),
      entry(device, 'Trigger delay', { setpointAddress: pv('TRIGDLY'), readbackAddress: pv('TRIGACT') }, tags),
      entry(device, 'Water temperature', { readbackAddress: pv('TEMP') }, tags, { absTolerance: 1 }),
      entry(device, 'Beam codes', { setpointAddress: pv('ACCEPT'), readbackAddress: pv('ACCSTAT') }, tags),
      entry(device, 'Note for the next shift', { setpointAddress: pv('NOTE') }, tags),
      entry(device, 'Tube serial number', { readbackAddress: pv('SERIAL') }, tags),
    ],
  };
}

function subBooster(area: string): DemoDevice {
  const device = `SBST:${area}:1`;
  const [desired, actual] = [`${device}:PDES`, `${device}:PHAS`];
  return {
    records: [
      setpoint(desired, 0, phaseLimits, { DESC: 'Sub-booster phase setpoint' }),
      record('calc', actual, {
        SCAN: '1 second', INPA: actual, INPB: desired, CALC: 'A+(B-A)*0.5+0.05*(RNDM-0.5)', EGU: 'degS', PREC: 2, LOPR: -180, HOPR: 180, DESC: 'Sub-booster phase',
      }),
    ],
    entries: [entry(device, 'Sub-booster phase', { setpointAddress: desired, readbackAddress: actual }, { area, system: 'RF', kind: 'Sub-booster' }, { absTolerance: 0.1 })],
  };
}

export function rf(): DemoDevice[] {
  return areas.flatMap((area) => [subBooster(area), ...stationUnits.map((unit) => station(area, unit))]);
}
