import { expect, test } from 'vitest';
import { createCsvRecords, type CsvOptions } from './csv-records.ts';

function read(text: string, options: CsvOptions, piece = text.length) {
  const records = createCsvRecords(options);
  const found = [];
  for (let at = 0; at < text.length; at += piece) found.push(...records.push(text.slice(at, at + piece)));
  found.push(...records.end());
  return { found, fault: records.fault };
}

test.each([
  ['A,"say "hi" you",1', 'say "hi" you'],
  ['A,"5" pipe",1', '5" pipe'],
  ['A,"ends "in"",1', 'ends "in"'],
  ['A,""both" of "them"",1', '"both" of "them"'],
  ['A,"two\nlines",1', 'two\nlines'],
  ['A,"doubled ""here""",1', 'doubled "here"'],
  ['A,"""doubled""",1', '"doubled"'],
  ['A,5" pipe,1', '5" pipe'],
  ['A,"",1', ''],
])('lenient: %j has the text %j, in pieces of any size', (row, text) => {
  const next = row.split('\n').length + 3;
  for (const piece of [1, 2, 3, 1_000]) {
    expect(read(`PV,VALUE,X\r\n${row}\r\n"B","b""",2`, { lenient: true, firstLine: 2 }, piece)).toEqual({
      found: [{ line: 2, cells: ['PV', 'VALUE', 'X'] }, { line: 3, cells: ['A', text, '1'] }, { line: next, cells: ['B', 'b"', '2'] }], fault: undefined,
    });
  }
});

test('D1: lenient: a cell with doubled and single quotes is refused, for nobody can tell what it says', () => {
  expect(read('PV,VALUE\nA,a\nB,"a ""b" c"\n', { lenient: true })).toMatchObject({ found: [{ line: 1 }, { line: 2 }], fault: { line: 3, what: expect.stringContaining('some are doubled and some are not') } });
});

test('lines are counted alike whatever ends them, also within cells', () => {
  for (const eol of ['\n', '\r\n', '\r']) {
    expect(read(['a,b', '1,"x', '', 'y"', '', '2,z', '3,"w', ''].join(eol), {}, 2), JSON.stringify(eol)).toEqual({
      found: [{ line: 1, cells: ['a', 'b'] }, { line: 2, cells: ['1', `x${eol}${eol}y`] }, { line: 6, cells: ['2', 'z'] }],
      fault: { line: 7, what: 'the double quote on line 7, character 3 is never closed: the file ends on line 8' },
    });
  }
});

test('one file may have line ends of every kind', () => {
  for (const piece of [1, 100]) expect(read('a\nb\r\nc\rd\r\r\n', {}, piece).found).toEqual(['a', 'b', 'c', 'd'].map((cell, i) => ({ line: i + 1, cells: [cell] })));
});

test('D1: the place of a quote is told in characters, whatever their bytes, behind whatever cells', () => {
  expect(read('ä😀,b\n"q""",😀,"é\n😀",ü"x\n', {}, 3).fault).toEqual({ line: 3, what: expect.stringContaining('on line 3, character 6: put') });
  expect(read('a,b\n,"é" x\n', {}).fault).toEqual({ line: 2, what: expect.stringContaining('" x" stands behind a closing double quote, which was opened on line 2, character 2') });
  expect(read('a,b\n1,"y""z"x', {}, 1).fault).toEqual({ line: 2, what: expect.stringContaining('opened on line 2, character 3') });
});

test('nothing comes behind a fault, and a fault comes behind what was sound', () => {
  const records = createCsvRecords();
  expect(records.push('a\nb\nc"d\ne\n')).toEqual([{ line: 1, cells: ['a'] }, { line: 2, cells: ['b'] }]);
  expect(records.fault).toMatchObject({ line: 3 });
  expect([...records.push('f\n'), ...records.end()]).toEqual([]);
});
