import { areas, entry, fixed, rounded, type DemoDevice } from './device.ts';
import { record, setpoint } from './record.ts';

interface Axis {
  name: string;
  kind: string;
  unit: number;
  attribute: string;
  low: number;
  high: number;
  velocity: number;
  description: string;
}

const axes: readonly Axis[] = [
  { name: 'COLL', kind: 'Collimator', unit: 235, attribute: 'LEFT', low: -10, high: 0, velocity: 2, description: 'Collimator, left jaw' },
  { name: 'COLL', kind: 'Collimator', unit: 235, attribute: 'RIGHT', low: 0, high: 10, velocity: 2, description: 'Collimator, right jaw' },
  { name: 'WIRE', kind: 'Wire scanner', unit: 285, attribute: 'STAGE', low: 0, high: 60, velocity: 20, description: 'Wire scanner stage' },
  { name: 'PROF', kind: 'Screen', unit: 342, attribute: 'SCREEN', low: 0, high: 25, velocity: 10, description: 'Profile screen' },
  // Slow on purpose: a full stroke takes 40 s, longer than most put deadlines.
  { name: 'BMLN', kind: 'Chicane', unit: 235, attribute: 'MOTR', low: 0, high: 80, velocity: 2, description: 'Chicane stage' },
];

const tick = 0.1;

/**
 * A motor without the motor record: the readback runs after the setpoint at its velocity, and a
 * put-callback completes on arrival, because ARRIVE stays active for the time that the way takes.
 */
function motor(axis: Axis, area: string): DemoDevice {
  const device = `${axis.name}:${area}:${axis.unit}`;
  const base = `${device}:${axis.attribute}`;
  const { low, high, velocity } = axis;
  const start = rounded(low + (high - low) * (0.3 + 0.4 * fixed(base)), 3);
  const records = [
    setpoint(base, start, { low, high, unit: 'mm', precision: 3 }, { DESC: axis.description, FLNK: `${base}:TRAVEL` }),
    setpoint(`${base}:VELO`, velocity, { low: 0.1, high: velocity * 2, unit: 'mm/s', precision: 2 }, { DESC: 'Velocity' }),
    record('calc', `${base}:POS`, {
      VAL: start, SCAN: '.1 second', INPA: `${base}:POS`, INPB: base, INPC: `${base}:VELO`, INPD: tick,
      CALC: 'A+MAX(-C*D,MIN(C*D,B-A))', EGU: 'mm', PREC: 3, LOPR: low, HOPR: high, DESC: 'Position', FLNK: `${base}:MOVC`,
    }),
    record('calc', `${base}:MOVC`, { INPA: `${base}:POS`, INPB: base, CALC: 'ABS(A-B)>1E-6', FLNK: `${base}:MOVING` }),
    record('bi', `${base}:MOVING`, { INP: `${base}:MOVC`, ZNAM: 'Stopped', ONAM: 'Moving', DESC: 'Moving' }),
    record('calcout', `${base}:TRAVEL`, {
      INPA: base, INPB: `${base}:POS`, INPC: `${base}:VELO`, CALC: `ABS(A-B)/C+(A#B?${2 * tick}:0)`, OUT: `${base}:ARRIVE.ODLY`, FLNK: `${base}:ARRIVE`,
    }),
    record('calcout', `${base}:ARRIVE`, { CALC: '1', OOPT: 'Every Time', DESC: 'Active while on the way' }),
    record('bo', `${base}:STOP`, { ZNAM: 'Run', ONAM: 'Stop', HIGH: 0.5, DESC: 'Stop here', FLNK: `${base}:HALT` }),
    record('seq', `${base}:HALT`, { DOL1: `${base}:POS`, LNK1: `${base} PP` }),
  ];
  const tags = { area, system: 'Motion', kind: axis.kind };
  return {
    records,
    entries: [
      entry(device, axis.description, { setpointAddress: base, readbackAddress: `${base}:POS` }, tags, { absTolerance: 0.005 }),
      entry(device, `${axis.description}, velocity`, { setpointAddress: `${base}:VELO` }, tags),
      entry(device, `${axis.description}, moving`, { readbackAddress: `${base}:MOVING` }, tags),
    ],
  };
}

export function motion(): DemoDevice[] {
  return areas.flatMap((area) => axes.map((axis) => motor(axis, area)));
}
