import { expect, test } from 'vitest';
import { ReadOutcome, ValueKind } from '../contracts/values.ts';
import { atOnce } from '../kernel/in-turns.ts';
import { detectSnapshotFormat, snapshotFormats, type SnapshotFormatParts } from './registry.ts';

const read = (format: SnapshotFormatParts, text: string) => atOnce(format.read(text));

const burtHead = '--- Start BURT header\nTime:     Sat Aug  1 10:15:00 2026\nLogin ID: op (Demo Operator)\nComments: two lines\\nhere\nType:     Absolute\nDirectory demo\nReq File: demo.req\n--- End BURT header\n';
const phoebusHead = '# Snapshot name:\n# demo 1\nPV,SELECTED,TIMESTAMP,STATUS,SEVERITY,VALUE_TYPE,VALUE,READBACK,READBACK_VALUE,DELTA,READ_ONLY\n';

test.each([
  ['sav', '# save/restore V6.0\nA 1\nB 2\n', 'line 3: the file ends without <END>'],
  ['sav', '', 'line 1: the file ends without <END>'],
  ['sav', 'A @array@ { "1" "2"\n<END>\n', 'line 1: A: its array is not closed'],
  ['sav', 'A @array@ "1"\n<END>\n', 'line 1: A: @array@ is not followed by {'],
  ['sav', 'A @array@ { 1 }\n<END>\n', 'line 1: A: "1 }" in its array is no element in double quotes'],
  ['sav', 'A 1\n<END>\nB 2\n', 'line 3: something stands after <END>'],
  ['sav', 'A 1\nA 2\n<END>\n', 'line 2: A stands on line 1 already, with another value'],
  ['sav', `${'A'.repeat(256)} 1\n<END>\n`, 'has 256 characters, a PV name has at most 255'],
  ['burt', 'A 1 2\n', 'line 1: the first line is not "--- Start BURT header"'],
  ['burt', '--- Start BURT header\nTime: now\n', 'the header has no "--- End BURT header"'],
  ['burt', `${burtHead}A 2 1.0\n`, 'line 9: A: has 1 values, its count says 2'],
  ['burt', `${burtHead}A\n`, 'line 9: "A" is not "[RO|RON|WO] NAME COUNT values"'],
  ['burt', `${burtHead}A 1 "On\n`, 'line 9: A: a double quote is not closed'],
  ['burt', `${burtHead.replace('Absolute', 'Relative')}A 1 2\n`, 'line 5: the file is of type Relative'],
  ['psi', 'A,{"val": 1}\n', 'line 1: the file does not begin with #'],
  ['psi', '#{"labels": \nA,1\n', 'line 1: behind # stands no JSON object'],
  ['psi', '#{}\nA,{"val": \n', 'line 2: A: its value is not JSON'],
  ['psi', '#{}\nA,[[1],[2]]\n', 'line 2: A: its list holds something else'],
  ['psi', '#{}\nA,{"value": 1}\n', 'line 2: A: its object has no "val"'],
  ['phoebus', '# Snapshot name:\n# x\n', 'no line of columns that begins with PV'],
  ['phoebus', 'PV,READBACK,READ_ONLY\nA,B,0\n', 'no snapshot: it has no column TIMESTAMP'],
  ['phoebus', `${phoebusHead}A,1,17x,NONE,NONE,double,"1",,"---",,0\n`, 'line 4: A: TIMESTAMP "17x"'],
  ['phoebus', `${phoebusHead}A,1,1.0,NONE,NONE,double,"one",,"---",,0\n`, 'line 4: A: "one" is no number'],
  ['phoebus', `${phoebusHead}A,1,1.0,NONE,BAD,double,"1",,"---",,0\n`, 'line 4: A: SEVERITY "BAD"'],
  ['phoebus', `${phoebusHead}A,1,1.0,NONE,NONE,table,"1",,"---",,0\n`, 'line 4: A: VALUE_TYPE "table" is not known'],
  ['phoebus', `${phoebusHead}A,1,1.0,NONE,NONE,enum,"Run~[Stop;Go]",,"---",,0\n`, 'line 4: A: "Run" is none of its labels'],
  ['phoebus', `${phoebusHead}A,1,1.0\n`, 'line 4: has 3 cells, there are 11 columns'],
  ['ndjson', '{"drey":"snapshot"}\n', 'line 1: version'],
  ['ndjson', '{"drey":"snapshot","version":1,"title":"","description":"","createdBy":"","createdDate":"","channels":2,"entries":0}\n{"pv":"A","kind":"double","value":1}\n', 'the head says 2 channels and 0 entries, there are 1 lines after it'],
  ['ndjson', '{"drey":"snapshot","version":1,"title":"","description":"","createdBy":"","createdDate":"","channels":1,"entries":0}\n{"pv":"A","kind":"double","value":"x"}\n', 'line 2: A: "x" is no number'],
  ['ndjson', '{"drey":"snapshot","version":1,"title":"","description":"","createdBy":"","createdDate":"","channels":1,"entries":0}\n{"pv":"A","kind":"double","base64":"AAA="}\n', 'line 2: A: its 2 bytes are no whole number of elements'],
] as const)('D1: %s %j is refused with its line, and nothing is taken from it', (format, text, fault) => {
  const { content, faults } = read(snapshotFormats[format], text);
  expect(content).toBeNull();
  expect(faults.join('\n')).toContain(fault);
});

test('autosave: comments, what is not connected, empty values, escapes, wrapped arrays, long integers', () => {
  const { content, faults } = read(snapshotFormats.sav, 
    '# save/restore V6.0\tAutomatically generated - DO NOT MODIFY - 260801-101500\n! 1 channel(s) not connected\nDEMO:PS1:CUR 12.5\nDEMO:EMPTY \nDEMO:BLANKS   two\nDEMO:TEXT a\\tb\\"\\101\nDEMO:ID 007\nDEMO:BIG 9007199254740993\nDEMO:WF @array@ { "1" "2.5"\n"-3" }\nDEMO:NAMES @array@ { "a \\"b\\"" "" }\n#DEMO:GONE @array@ { "1"\n"2" }\n#DEMO:LOST.VAL Search Issued\n<END>\n',
  );
  expect(faults).toEqual([]);
  expect(content!.createdDate).toBe('2026-08-01 10:15:00');
  expect(content!.names).toEqual(['DEMO:PS1:CUR', 'DEMO:EMPTY', 'DEMO:BLANKS', 'DEMO:TEXT', 'DEMO:ID', 'DEMO:BIG', 'DEMO:WF', 'DEMO:NAMES']);
  const { columns } = content!;
  expect(columns.num[0]).toBe(12.5);
  expect([1, 2, 3, 4, 5].map((row) => columns.text.get(row))).toEqual(['', '  two', 'a\tb"A', '007', '9007199254740993']);
  expect(columns.kind[5]).toBe(ValueKind.int64);
  expect([...new Float64Array(columns.bytes.get(6)!.slice().buffer)]).toEqual([1, 2.5, -3]);
  expect(new TextDecoder().decode(columns.bytes.get(7))).toBe('a "b"\0');
});

test('BURT: marks, labels, missing elements, unquoted blanks by the count', () => {
  const { content, faults } = read(snapshotFormats.burt, `${burtHead}DEMO:PS1:CUR 1 1.250000000000000e+01\nRO DEMO:PS1:RB 1 1.249e+01\nDEMO:WF 3 1.0e+00 2.5e+00 \\0\nDEMO:STATE 1 "On Beam"\nDEMO:EMPTY 1 \\0\nDEMO:CHARS 5 a   b c d\nDEMO:LOOSE 1 On Beam\n`);
  expect(faults).toEqual([]);
  expect(content!.description).toBe('two lines\nhere');
  const { columns } = content!;
  expect([columns.num[0], columns.num[1]]).toEqual([12.5, 12.49]);
  expect([...new Float64Array(columns.bytes.get(2)!.slice().buffer)]).toEqual([1, 2.5, NaN]);
  expect([3, 4, 6].map((row) => columns.text.get(row))).toEqual(['On Beam', '', 'On Beam']);
  expect(new TextDecoder().decode(columns.bytes.get(5))).toBe('a\0 \0b\0c\0d');
  expect(content!.entries.map((entry) => entry.readOnly)).toEqual([false, true, false, false, false, false, false]);
});

test('PSI: old and new form, no value, bare NaN, machine parameters', () => {
  const { content, faults } = read(snapshotFormats.psi, '#{"labels": ["demo"], "comment": "ok", "machine_params": {"E": {"value": 3.2, "units": "GeV", "precision": 3}}, "save_time": 1785579300.5, "req_file_name": "demo.yaml"}\nA,{"val": 12.5, "EGU": "A", "PREC": 2}\nB,"text, with comma"\nC,[1.0, NaN, -Infinity]\nGONE\nBIG,9007199254740993\n# a note\n');
  expect(faults).toEqual([]);
  expect(content).toMatchObject({ title: 'demo.yaml', description: 'ok\nlabels: demo\nE = 3.2 GeV', createdDate: '2026-08-01T10:15:00.500Z', names: ['A', 'B', 'C', 'GONE', 'BIG'] });
  const { columns } = content!;
  expect([...columns.outcome]).toEqual([ReadOutcome.ok, ReadOutcome.ok, ReadOutcome.ok, ReadOutcome.disconnected, ReadOutcome.ok]);
  expect(content!.metas[0]).toEqual({ units: 'A', precision: 2 });
  expect(columns.text.get(1)).toBe('text, with comma');
  expect([...new Float64Array(columns.bytes.get(2)!.slice().buffer)]).toEqual([1, NaN, -Infinity]);
  expect(columns.text.get(4)).toBe('9007199254740993');
});

test('Phoebus: nanoseconds without padding, labels, readbacks beside setpoints', () => {
  const { content, faults } = read(snapshotFormats.phoebus, `${phoebusHead}DEMO:PS1:CUR,1,1785579300.5000,NONE,NONE,double,"12.5",DEMO:PS1:RB,"12.49",,0\nDEMO:MODE,1,1785579300.0,HIHI_ALARM,MAJOR,enum,"Run~[Stop;Run]",,"---",,1\nDEMO:WF,0,1.0,NONE,NONE,double_array,"[1.0;2.5]",,"---",,0\n`);
  expect(faults).toEqual([]);
  expect(content).toMatchObject({ title: 'demo 1', names: ['DEMO:PS1:CUR', 'DEMO:PS1:RB', 'DEMO:MODE', 'DEMO:WF'] });
  expect(content!.columns.timeNs[0]).toBe(1785579300000005000n);
  expect([content!.columns.num[1], content!.columns.num[2], content!.columns.severity[2], content!.columns.status[2]]).toEqual([12.49, 1, 2, 3]);
  expect(content!.metas[2]).toEqual({ labels: ['Stop', 'Run'] });
  expect(content!.entries.map((entry) => [entry.setpoint, entry.readback, entry.readOnly])).toEqual([['DEMO:PS1:CUR', 'DEMO:PS1:RB', false], ['DEMO:MODE', null, true], ['DEMO:WF', null, false]]);
});

test('a text that is none of the formats is not taken for one', () => {
  expect(detectSnapshotFormat('hello\nworld\n')).toBeUndefined();
});
