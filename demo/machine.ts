import { areas, entry, rounded, type DemoDevice } from './device.ts';
import { record, states } from './record.ts';

// What is not a number with a readback: tables, texts of every length, wide integers, and what only machine protection may write.

const rates = ['0 Hz', '1 Hz', '10 Hz', '30 Hz', '60 Hz', '120 Hz'] as const;
const plan = 'Night shift: hold 13.6 GeV, steer LI23 by hand, call RF before touching KLYS:LI22:31. Do not open the sector valves before the pumps in LI24 read less than two microampere.';

function table(area: string): DemoDevice {
  const device = `FBCK:${area}:TBL1`;
  const points = Array.from({ length: 64 }, (_, index) => rounded(Math.sin((index * 2 * Math.PI) / 64), 5));
  const shape = { FTVL: 'DOUBLE', NELM: 64, EGU: 'degS', PREC: 5 };
  return {
    records: [
      record('waveform', `${device}:DES`, { ...shape, PINI: 'YES', INP: JSON.stringify(points), DESC: 'Feed-forward table' }),
      record('waveform', `${device}:ACT`, { ...shape, SCAN: '2 second', INP: `${device}:DES`, DESC: 'Feed-forward table, as loaded' }),
    ],
    entries: [
      entry(device, 'Feed-forward table', { setpointAddress: `${device}:DES`, readbackAddress: `${device}:ACT` }, { area, system: 'RF', kind: 'Table' }, { absTolerance: 1e-6 }),
    ],
  };
}

/** The access security file lets nobody write these, whatever the catalogue says. */
function constants(area: string, index: number): DemoDevice {
  const device = `MCON:${area}:1`;
  const sealed = { PINI: 'YES', ASG: 'READONLY' };
  const tags = { area, system: 'Machine', kind: 'Constant' };
  return {
    records: [
      record('ao', `${device}:ENERGY`, { ...sealed, VAL: rounded(0.25 * 4 ** index * 0.85, 3), EGU: 'GeV', PREC: 3, DESC: 'Design energy at the end' }),
      record('ao', `${device}:CHARGE`, { ...sealed, VAL: 180, EGU: 'pC', PREC: 1, DESC: 'Design charge' }),
      record('longout', `${device}:RATELIMIT`, { ...sealed, VAL: 120, EGU: 'Hz', DESC: 'Highest beam rate' }),
      record('stringout', `${device}:MODEL`, { ...sealed, VAL: `${area}_V6`, DESC: 'Name of the lattice' }),
    ],
    entries: [
      // Registered as writable by mistake: a restore must learn from the IOC that it is not.
      entry(device, 'Design energy', { setpointAddress: `${device}:ENERGY` }, tags),
      entry(device, 'Design charge', { setpointAddress: `${device}:CHARGE` }, tags, { readOnly: true }),
      entry(device, 'Highest beam rate', { readbackAddress: `${device}:RATELIMIT` }, tags),
      entry(device, 'Name of the lattice', { readbackAddress: `${device}:MODEL` }, tags),
    ],
  };
}

function timing(): DemoDevice {
  const device = 'EVNT:SYS1:1';
  const pv = (attribute: string): string => `${device}:${attribute}`;
  const tags = { area: 'SYS1', system: 'Timing', kind: 'Event' };
  return {
    records: [
      record('mbbo', pv('RATE'), { VAL: 5, PINI: 'YES', ...states(rates), DESC: 'Beam rate' }),
      record('mbbi', pv('RATERB'), { INP: `${pv('RATE')} CP`, PINI: 'YES', ...states(rates, ['MINOR']), DESC: 'Beam rate, as set' }),
      // One above 2^53: Channel Access carries it as a double, which a restore must be honest about.
      record('int64out', pv('INCLUSION'), { VAL: '9007199254740993', PINI: 'YES', DESC: 'Inclusion mask' }),
      record('int64in', pv('INCLUSIONRB'), { INP: `${pv('INCLUSION')} CP`, PINI: 'YES', DESC: 'Inclusion mask, as set' }),
      record('calc', pv('PULSEC'), { SCAN: '1 second', INPA: pv('PULSEC'), CALC: 'A+120', FLNK: pv('PULSES') }),
      record('int64in', pv('PULSES'), { INP: pv('PULSEC'), DESC: 'Pulses since start' }),
      record('waveform', pv('CODES'), { FTVL: 'LONG', NELM: 16, PINI: 'YES', INP: '[40,41,42,45,46,140,141,142,147,150]', DESC: 'Event codes' }),
      record('waveform', pv('NAMES'), { FTVL: 'STRING', NELM: 8, PINI: 'YES', INP: '["beam","spare","dump","kicker, 2 mm gap",""]', DESC: 'Event names' }),
    ],
    entries: [
      entry(device, 'Beam rate', { setpointAddress: pv('RATE'), readbackAddress: pv('RATERB') }, tags),
      entry(device, 'Inclusion mask', { setpointAddress: pv('INCLUSION'), readbackAddress: pv('INCLUSIONRB') }, tags),
      entry(device, 'Pulses since start', { readbackAddress: pv('PULSES') }, tags),
      entry(device, 'Event codes', { setpointAddress: pv('CODES') }, tags),
      entry(device, 'Event names', { setpointAddress: pv('NAMES') }, tags),
    ],
  };
}

function texts(): DemoDevice {
  const device = 'SIOC:SYS0:AL01';
  const pv = (attribute: string): string => `${device}:${attribute}`;
  const tags = { area: 'SYS0', system: 'Machine', kind: 'Text' };
  return {
    records: [
      record('lso', pv('PLAN'), { SIZV: 512, PINI: 'YES', DOL: JSON.stringify({ const: plan }), DESC: 'Plan for the shift' }),
      record('lsi', pv('PLANRB'), { SIZV: 512, PINI: 'YES', INP: `${pv('PLAN')}.VAL$ CP`, DESC: 'Plan for the shift, as shown' }),
      record('stringout', pv('OPERATOR'), { VAL: 'Zoë Ångström', PINI: 'YES', DESC: 'Operator in charge' }),
      record('stringin', pv('VERSION'), { VAL: 'demo 1.0', PINI: 'YES', DESC: 'Version of the demo' }),
      record('waveform', pv('COMMENT'), { FTVL: 'CHAR', NELM: 256, PINI: 'YES', INP: JSON.stringify([...new TextEncoder().encode('Orbit flattened at 06:40')]), DESC: 'Comment' }),
      record('waveform', pv('SPECTRUM'), { FTVL: 'FLOAT', NELM: 4096, PINI: 'YES', INP: JSON.stringify(Array.from({ length: 64 }, (_, index) => index / 4)), DESC: 'Reference spectrum' }),
    ],
    entries: [
      entry(device, 'Plan for the shift', { setpointAddress: `${pv('PLAN')}.VAL$`, readbackAddress: `${pv('PLANRB')}.VAL$` }, tags),
      entry(device, 'Operator in charge', { setpointAddress: pv('OPERATOR') }, tags),
      entry(device, 'Version of the demo', { readbackAddress: pv('VERSION') }, tags),
      entry(device, 'Comment', { setpointAddress: pv('COMMENT') }, tags),
      entry(device, 'Reference spectrum', { setpointAddress: pv('SPECTRUM') }, tags, { relTolerance: 1e-6 }),
    ],
  };
}

export function machine(): DemoDevice[] {
  return [...areas.map(table), ...areas.map(constants), timing(), texts()];
}
