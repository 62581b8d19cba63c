import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { CatalogueEntry } from '../contracts/catalogue.ts';
import { createCatalogueCsvReader } from './catalogue-csv.ts';
import { writeCatalogueCsv } from './registry.ts';

/** Rows and faults of a file that comes in pieces of so many characters. */
function read(text: string, { groups = [] as string[], piece = 1_000_000 } = {}) {
  const reader = createCatalogueCsvReader(new Set(groups));
  const rows = [];
  for (let at = 0; at < text.length; at += piece) rows.push(...reader.push(text.slice(at, at + piece)));
  rows.push(...reader.end());
  return {
    entries: rows.flatMap((row) => ('entry' in row ? [row.entry] : [])),
    faults: rows.flatMap((row) => ('fault' in row ? [`line ${row.line}: ${row.fault}`] : [])),
    broken: rows.flatMap((row) => ('broken' in row ? [`line ${row.line}: ${row.broken}`] : [])),
  };
}

test('columns are found by name, other columns are tag groups, nan and none are nothing', () => {
  expect(read('Area,Setpoint,READBACK,Device,Abs Tolerance,Read Only\nLI21,QUAD:LI21:201:BCTRL,ca://QUAD:LI21:201:BACT,QUAD:LI21:201,0.01,no\n"LI22, Injector",nan,BPMS:LI22:1:X,none,,yes\n')).toMatchObject({
    faults: [], broken: [],
    entries: [
      { setpointAddress: 'QUAD:LI21:201:BCTRL', readbackAddress: 'QUAD:LI21:201:BACT', device: 'QUAD:LI21:201', absTolerance: 0.01, readOnly: false, tagNames: { Area: ['LI21'] } },
      { setpointAddress: null, readbackAddress: 'BPMS:LI22:1:X', device: '', readOnly: true, tagNames: { Area: ['LI22', 'Injector'] } },
    ],
  });
});

test.each([
  ['', 'line 1: the file is empty'],
  ['Device,Area\na,b\n', 'line 1: names no column Setpoint, Readback or Config; it names "Device", "Area"'],
  ['Setpoint,setpoint\nA,B\n', 'line 1: names column "setpoint" twice'],
  ['Setpoint,Area,area\nA,B,C\n', 'line 1: names column "area" twice'],
  ['Setpoint,\nA,B\n', 'line 1: column 2 has no name'],
  ['Setpoint,__proto__\nA,B\n', 'line 1: column 2 is named __proto__'],
  ['Setpoint,tag: __proto__\nA,B\n', 'line 1: column 2 is named __proto__'],
  ['Setpoint\nA\n"B\n', 'line 3: the double quote on line 3, character 1 is never closed: the file ends on line 4'],
  ['Setpoint,Device\r\nA,"a\r\nB,b\r\n', 'line 2: the double quote on line 2, character 3 is never closed'],
  ['Setpoint,Device\nA,"a\nB,"b"\nC,c\n', 'line 3: "b\\"" stands behind a closing double quote, which was opened on line 2, character 3'],
  ['Setpoint,Device\nA,5" pipe\n', 'line 2: a double quote stands in the middle of the cell "5\\" pipe", on line 2, character 4'],
])('D1: %j breaks the file, and says where', (text, fault) => {
  for (const piece of [1_000_000, 7 * Math.ceil(text.length / 1_000), 50_000]) expect(read(text, { piece }).broken.join('\n')).toContain(fault);
});

test('D1: a row without end is given up at a megabyte', () => {
  const { broken } = read(`Setpoint,Device\nA,"${'x\n'.repeat(600_000)}`, { piece: 65_536 });
  expect(broken).toEqual(['line 2: a row of more than 1048576 characters begins here, its first double quote on line 2, character 3: is it ever closed?']);
});

test.each([
  ['Setpoint,Abs Tolerance\nA,0.1\nB,tiny\n', 'line 3: Abs Tolerance: "tiny" is not a number'],
  ['Setpoint,Abs Tolerance\nA,-1\n', 'line 2: absTolerance: a tolerance is 0 or larger'],
  ['Setpoint,Read Only\nA,perhaps\n', 'line 2: Read Only: "perhaps" is neither true nor false'],
  ['Setpoint,Device\nA,b,c\n', 'line 2: has 3 cells, the first line names 2 columns'],
  ['Setpoint,Device\nB,b\nA\n', 'line 3: has 1 cell, the first line names 2 columns'],
  ['Setpoint,Device\n"A\nB",b\n,b\n', 'line 4: an entry needs at least one of'],
  ['Setpoint\nA B\n', 'line 2: setpointAddress: "A B" holds a character that no PV name can'],
  ['Setpoint\npva://A\n', 'line 2: setpointAddress: "pva://A" asks for PVAccess'],
  [`Setpoint\n${'A'.repeat(256)}\n`, 'has 256 characters, a PV name has at most 255'],
  [`Setpoint,Device\nA:1,${'D'.repeat(256)}\n`, 'has 256 characters, at most 255 are taken'],
])('D1: the row in %j is refused with its line, and the others are read', (text, fault) => {
  const { faults, broken } = read(`${text}SOUND${text.split('\n')[0]!.includes(',') ? ',' : ''}\n`);
  expect(broken).toEqual([]);
  expect(faults.join('\n')).toContain(fault);
  expect(read(`${text}SOUND${text.split('\n')[0]!.includes(',') ? ',' : ''}\n`).entries.at(-1)?.setpointAddress).toBe('SOUND');
});

test('every faulty line is reported, not the first alone', () => {
  expect(read('Setpoint\nA B\nC\nD E\n').faults).toHaveLength(2);
});

test.each([
  ['Setpont', 'Setpoint'], ['Set Point', 'Setpoint'], ['setpointAddress', 'Setpoint'], ['PV', 'Setpoint'], ['Read Back', 'Readback'], ['RBV', 'Readback'], ['Reedback', 'Readback'], ['Abs_Tolerance', 'Abs Tolerance'], ['absTolerance', 'Abs Tolerance'],
  ['Tolerance', 'Abs Tolerance'], ['Rel Tolernace', 'Rel Tolerance'], ['ReadOnly', 'Read Only'], ['read-only', 'Read Only'], ['Devices', 'Device'], ['Decsription', 'Description'], ['Desc', 'Description'],
])('a column %s that is no tag group yet is refused: %s was meant', (column, meant) => {
  const text = `Config,${column}\nA,B\n`;
  expect(read(text)).toMatchObject({ entries: [], broken: [`line 1: column "${column}" would be a new tag group: did you mean ${meant}? If not, name the column "tag: ${column}"`] });
  expect(read(text, { groups: [column.toLowerCase()] }).entries[0]!.tagNames).toEqual({ [column]: ['B'] });
  expect(read(`Config,tag: ${column}\nA,B\n`).entries[0]!.tagNames).toEqual({ [column]: ['B'] });
});

test.each(['Area', 'System', 'Section', 'Beamline', 'Service', 'Subsystem', 'Owner', 'Type', 'Region', 'Line', 'Tag', 'Position', 'Magnet', 'Reading', 'constructor'])('a column %s is a tag group without being asked about', (column) => {
  expect(read(`Config,${column}\nA,B\n`).entries[0]!.tagNames).toEqual({ [column]: ['B'] });
});

test('line breaks of every kind, blank rows, and line numbers behind cells of several lines', () => {
  for (const eol of ['\n', '\r\n', '\r']) {
    expect(read(['Setpoint,Description', 'A,"one', 'two"', '', ',', 'B C,x', 'D,"y"'].join(eol), { piece: 3 }), JSON.stringify(eol)).toMatchObject({
      entries: [{ setpointAddress: 'A', description: `one${eol}two` }, { setpointAddress: 'D', description: 'y' }], faults: [expect.stringContaining('line 6: ')], broken: [],
    });
  }
});

const text = fc.string({ unit: 'grapheme', maxLength: 12 }).map((one) => one.replaceAll('\0', '').trim());
const tagText = fc.oneof(text, fc.constantFrom('none', 'a,b', '"', '"a', 'a "b"', 'a, "b', 'nan')).filter((one) => one !== '');
const groupName = fc.oneof(tagText, fc.constantFrom('Device', 'Setpont', 'tag: x', 'TAG:y', 'Area', 'PV', 'constructor')).filter((name) => name !== '__proto__');
const entry = fc.record({
  setpointAddress: fc.stringMatching(/^[!-~]{1,20}$/).filter((name) => !/^(nan|none)$/i.test(name) && !/^(ca|pva):\/\//.test(name)), device: text, description: fc.oneof(text, fc.constantFrom('one\rtwo', 'one\r\ntwo', 'one\ntwo')), absTolerance: fc.double({ min: 0, noNaN: true, noDefaultInfinity: true }),
  relTolerance: fc.double({ min: 0, noNaN: true, noDefaultInfinity: true }), readOnly: fc.boolean(),
  tagNames: fc.uniqueArray(fc.tuple(groupName, fc.uniqueArray(tagText, { minLength: 1, maxLength: 3 })), { selector: ([group]) => group.toLowerCase(), maxLength: 3 }),
});

test('S3: what is written is read back the same, in pieces of any size: tags with commas and quotes, groups named like fields', () => {
  fc.assert(fc.property(fc.array(entry, { maxLength: 5 }), fc.integer({ min: 1, max: 200 }), (given, piece) => {
    // One case of a group's name, as in a catalogue.
    const nameOf = new Map<string, string>();
    const groupOf = (name: string): string => nameOf.get(name.toLowerCase()) ?? (nameOf.set(name.toLowerCase(), name), name);
    const entries = given.map(({ tagNames, ...rest }): CatalogueEntry => ({
      ...rest, id: '', readbackAddress: null, configAddress: null, createdDate: '', lastModifiedDate: '',
      tags: tagNames.flatMap(([group, tags]) => tags.map((name) => ({ id: name, name, description: null, groupId: group, groupName: groupOf(group) }))),
    }));
    const back = read(writeCatalogueCsv(entries), { piece });
    expect([...back.broken, ...back.faults]).toEqual([]);
    const gone = (one: string): string => (/^(nan|none)$/i.test(one) ? '' : one);
    expect(back.entries).toEqual(entries.map(({ id: _, createdDate: __, lastModifiedDate: ___, tags, ...one }) => ({
      ...one, absTolerance: one.absTolerance + 0, relTolerance: one.relTolerance + 0, device: gone(one.device), description: gone(one.description), tags: [], tagNames: Object.fromEntries(Map.groupBy(tags, (tag) => tag.groupName).entries().map(([group, some]) => [group, some.map((tag) => tag.name)])),
    })));
  }), { numRuns: 500 });
});
