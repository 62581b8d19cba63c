import { expect, test } from 'vitest';
import { atOnce } from '../kernel/in-turns.ts';
import { readCatalogue, type CatalogueFormat } from './registry.ts';

const files: Record<string, string> = {
  'sub.req': '$(P)$(M):CUR\n$(P)$(M):MODE.SCAN\n',
  'loop.req': 'file loop.req\n',
  'sub.yaml': 'pvs:\n  list:\n    - name: "$(P):A"\n',
};
const include = (path: string): string | undefined => files[path];
const setpoints = (format: Exclude<CatalogueFormat, 'csv'>, text: string, macros = {}) => {
  const { entries, faults } = atOnce(readCatalogue(format, text, { macros, include }));
  expect(faults).toEqual([]);
  return entries.map((entry) => (entry.readOnly ? `RO ${entry.setpointAddress}` : entry.setpointAddress));
};

test('autosave: macros, defaults, includes with macros, comments', () => {
  expect(setpoints('req', '# a comment\n$(P)X\n  ${P}Y\n$(Q=DEMO2:)Z\nfile sub.req P=$(P),M=m1\nfile "sub.req", P=DEMO:, M=m2\n', { P: 'DEMO:' })).toEqual([
    'DEMO:X', 'DEMO:Y', 'DEMO2:Z', 'DEMO:m1:CUR', 'DEMO:m1:MODE.SCAN', 'DEMO:m2:CUR', 'DEMO:m2:MODE.SCAN',
  ]);
});

test('BURT: marks, lengths and comments', () => {
  expect(setpoints('burt-req', '% head\nDEMO:A\nRO DEMO:B % why\nRON DEMO:C 10\nWO DEMO:D\n')).toEqual(['DEMO:A', 'RO DEMO:B', 'RO DEMO:C', 'DEMO:D']);
});

test('PSI: .req with includes, JSON and YAML with precision', () => {
  expect(setpoints('psi-req', '!sub.req,"P=DEMO:,M=m1"\nDEMO:X\n')).toEqual(['DEMO:m1:CUR', 'DEMO:m1:MODE.SCAN', 'DEMO:X']);
  const yaml = 'include:\n  - name: sub.yaml\n    macros: [{P: DEMO1}, {P: DEMO2}]\npvs:\n  defaults: {precision: 2}\n  list:\n    - name: "$(Q):X"\n      precision: 3\n    - name: DEMO:Y\n';
  const { entries } = atOnce(readCatalogue('psi-yaml', yaml, { macros: { Q: 'DEMO' }, include }));
  expect(entries.map((entry) => [entry.setpointAddress, entry.absTolerance])).toEqual([['DEMO1:A', 0], ['DEMO2:A', 0], ['DEMO:X', 0.001], ['DEMO:Y', 0.01]]);
  expect(setpoints('psi-yaml', '{"pvs": {"list": [{"name": "DEMO:A"}]}}')).toEqual(['DEMO:A']);
});

test.each([
  ['req', 'A\n$(P)B\n', 'line 2: no value is given for the macro P'],
  ['req', 'file gone.req\n', 'line 1: includes gone.req, which cannot be read'],
  ['req', 'file loop.req\n', 'loop.req line 1: loop.req includes itself'],
  ['req', 'file sub.req P=X\n', 'sub.req line 1: no value is given for the macro M'],
  ['req', 'A B C\n', 'line 1: "A B C" is neither a PV name nor'],
  ['req', '# nothing\n', 'line 1: the file names no PV'],
  ['burt-req', 'RO\n', 'line 1: RO is not followed by a PV name'],
  ['burt-req', 'A ten\n', 'line 1: "A ten" is not'],
  ['psi-req', '!gone.req\n', 'line 1: includes gone.req, which cannot be read'],
  ['psi-yaml', 'pvs:\n  list:\n    - precision: 2\n', 'line 3: an item of the list has no name'],
  ['psi-yaml', 'pvs: [\n', 'line 2'],
  ['psi-yaml', 'pvs:\n  list:\n    - name: "$(X)"\n', 'line 3: no value is given for the macro X'],
  ['phoebus', 'PV,READBACK,READ_ONLY\nA,B,0\nA,C,1\n', 'line 3: A stands on line 2 already'],
  ['phoebus', 'PV,Device,Area\nA,dd,LX\n', 'line 1: a Phoebus table has no column "Device"'],
] as const)('D1: %s %j is refused with its line', (format, text, fault) => {
  const { entries, faults } = atOnce(readCatalogue(format, text, { include }));
  expect(entries).toEqual([]);
  expect(faults.join('\n')).toContain(fault);
});

test('a Phoebus configuration pairs setpoint and readback', () => {
  const { entries } = atOnce(readCatalogue('phoebus', '# SaveSet name:\n# x\nPV,READBACK,READ_ONLY\nA,B,0\nC,,1\n'));
  expect(entries).toMatchObject([{ setpointAddress: 'A', readbackAddress: 'B', readOnly: false }, { setpointAddress: 'C', readbackAddress: null, readOnly: true }]);
});
