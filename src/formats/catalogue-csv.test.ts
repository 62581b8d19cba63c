import { expect, test } from 'vitest';
import { parseCatalogueCsv, writeCatalogueCsv } from './catalogue-csv.ts';
import type { CatalogueEntry } from '../contracts/catalogue.ts';

test('columns are found by name, other columns are tag groups, nan and none are nothing', () => {
  const { entries, faults } = parseCatalogueCsv(
    '\ufeffArea,Setpoint,READBACK,Device,Abs Tolerance,Read Only\nLI21,QUAD:LI21:201:BCTRL,QUAD:LI21:201:BACT,QUAD:LI21:201,0.01,no\n"LI22, Injector",nan,BPMS:LI22:1:X,none,,yes\n',
  );
  expect(faults).toEqual([]);
  expect(entries).toEqual([
    { setpointAddress: 'QUAD:LI21:201:BCTRL', readbackAddress: 'QUAD:LI21:201:BACT', device: 'QUAD:LI21:201', absTolerance: 0.01, readOnly: false, tagNames: { Area: ['LI21'] } },
    { readbackAddress: 'BPMS:LI22:1:X', readOnly: true, tagNames: { Area: ['LI22', 'Injector'] } },
  ]);
});

test.each([
  ['', 'line 1: the file is empty'],
  ['Device,Area\na,b\n', 'line 1: names no column Setpoint, Readback or Config; it names "Device", "Area"'],
  ['Setpoint,setpoint\nA,B\n', 'line 1: names column "setpoint" twice'],
  ['Setpoint,\nA,B\n', 'line 1: column 2 has no name'],
  ['Setpoint\nA\n"B\n', 'line 3: '],
  ['Setpoint,Abs Tolerance\nA,0.1\nB,tiny\n', 'line 3: Abs Tolerance: "tiny" is not a number'],
  ['Setpoint,Abs Tolerance\nA,-1\n', 'line 2: absTolerance: a tolerance is 0 or larger'],
  ['Setpoint,Read Only\nA,perhaps\n', 'line 2: Read Only: "perhaps" is neither true nor false'],
  ['Setpoint,Device\nA,b,c\n', 'line 2: has 3 cells, the first line names 2 columns'],
  ['Setpoint,Device\n,b\n', 'line 2: an entry needs at least one of'],
  ['Setpoint\nA\nB\nA\n', 'line 4: setpoint A stands on line 2 already'],
  ['Setpoint\nA B\n', 'line 2: setpointAddress: "A B" holds a character that no PV name can'],
  ['Setpoint\npva://A\n', 'line 2: setpointAddress: "pva://A" asks for PVAccess'],
  [`Setpoint\n${'A'.repeat(256)}\n`, 'has 256 characters, a PV name has at most 255'],
])('D1: %j is refused with its line, and nothing is taken from it', (text, fault) => {
  const { entries, faults } = parseCatalogueCsv(text);
  expect(entries).toEqual([]);
  expect(faults.join('\n')).toContain(fault);
});

test('every faulty line is reported, not the first alone', () => {
  expect(parseCatalogueCsv('Setpoint\nA B\nC\nD E\n').faults).toHaveLength(2);
});

test('what is written is read back the same', () => {
  const entry = (name: string, tags: [string, string][]): CatalogueEntry => ({
    id: name,
    setpointAddress: name,
    readbackAddress: null,
    configAddress: null,
    device: 'a "quoted", device',
    description: 'line one\nline two',
    absTolerance: 0.5,
    relTolerance: 0,
    readOnly: true,
    tags: tags.map(([groupName, tag]) => ({ id: tag, name: tag, description: null, groupId: groupName, groupName })),
    createdDate: '',
    lastModifiedDate: '',
  });
  const { entries, faults } = parseCatalogueCsv(writeCatalogueCsv([entry('A', [['Area', 'LI21'], ['Area', 'LI22']]), entry('B', [['System', 'RF']])]));
  expect(faults).toEqual([]);
  expect(entries).toEqual([
    { setpointAddress: 'A', device: 'a "quoted", device', description: 'line one\nline two', absTolerance: 0.5, relTolerance: 0, readOnly: true, tagNames: { Area: ['LI21', 'LI22'] } },
    { setpointAddress: 'B', device: 'a "quoted", device', description: 'line one\nline two', absTolerance: 0.5, relTolerance: 0, readOnly: true, tagNames: { System: ['RF'] } },
  ]);
});
