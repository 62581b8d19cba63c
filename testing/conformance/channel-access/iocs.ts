// The soft IOCs that the suite runs on.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { demoIocCommand } from '../../../demo/ioc-command.ts';
import { startSoftIoc as startEmbedded, type SoftIoc } from '../../../src/embedded/index.ts';
import { manyRecords, recordsDb, temporaryFolder, type RecordText } from '../../harness/index.ts';
import { softIocProgram } from '../../harness/run-folder.ts';

const accessRules = `
ASG(DEFAULT) { RULE(1, READ) RULE(1, WRITE) }
ASG(READONLY) { RULE(1, READ) }
ASG(LOCKED) { INPA("C:GUARD:LOCK") RULE(1, READ) { CALC("A<2") } RULE(1, WRITE) { CALC("A<1") } }
`;

/** The record types' own text, by name. */
const array = (name: string, type: string, elements: number): RecordText => ({ type: 'waveform', name, fields: { FTVL: type, NELM: elements } });

const values: RecordText[] = [
  { type: 'ao', name: 'C:X' },
  {
    type: 'ao', name: 'C:LIMITED', fields: {
      VAL: 1.5, PINI: 'YES', PREC: 3, EGU: 'mA', HOPR: 10, LOPR: -10, DRVH: 5, DRVL: -5,
      HIHI: 4, HIGH: 3, LOW: -3, LOLO: -4, HHSV: 'MAJOR', HSV: 'MINOR', LSV: 'MINOR', LLSV: 'MAJOR',
    },
  },
  { type: 'longout', name: 'C:LONG', fields: { EGU: 'turns' } },
  { type: 'int64out', name: 'C:INT64' },
  array('C:FLOAT', 'FLOAT', 1),
  array('C:SHORT', 'SHORT', 1),
  array('C:CHAR', 'UCHAR', 1),
  { type: 'mbbo', name: 'C:ENUM', fields: { ZRST: 'Off', ZRVL: 0, ONST: 'Standby', ONVL: 1, TWST: 'µ On', TWVL: 2, THST: '', FRST: 'Fault', FRVL: 4 } },
  { type: 'bo', name: 'C:BINARY', fields: { ZNAM: 'Open', ONAM: 'Closed' } },
  { type: 'stringout', name: 'C:TEXT' },
  { type: 'lso', name: 'C:LONGTEXT', fields: { SIZV: 4_000 } },
  ...['DOUBLE', 'FLOAT', 'LONG', 'SHORT', 'UCHAR', 'ENUM', 'STRING'].map((type) => array(`C:ARRAY:${type}`, type, 10)),
  array('C:ARRAY:EMPTY', 'DOUBLE', 10),
  array('C:ARRAY:BIG', 'DOUBLE', 100_000),
  { type: 'ao', name: 'C:NEVER' },
  { type: 'ao', name: 'C:STAMPED' },
  { type: 'ao', name: 'C:GUARDED', fields: { VAL: 7, PINI: 'YES', ASG: 'READONLY' } },
  { type: 'ao', name: 'C:GUARD:CHANGES', fields: { ASG: 'LOCKED' } },
  { type: 'ao', name: 'C:GUARD:LOCK', fields: { VAL: 0, PINI: 'YES' } },
  { type: 'ao', name: 'C:DISABLED', fields: { DISP: 1 } },
  // Completes its puts 0.6 s later.
  { type: 'calcout', name: 'C:SLOW', fields: { CALC: 'A', ODLY: 0.6 } },
  { type: 'calcout', name: 'C:SLOWER', fields: { CALC: 'A', ODLY: 2 } },
  { type: 'calcout', name: 'C:SLOWER2', fields: { CALC: 'A', ODLY: 2 } },
  { type: 'ao', name: 'C:MONITORED', fields: { HIGH: 10, HSV: 'MAJOR', EGU: 'V' } },
  { type: 'stringout', name: 'C:MONITORED:TEXT', fields: { VAL: 'first' } },
  array('C:MONITORED:ARRAY', 'LONG', 8),
];

export const manyCount = 5_000;

/** The IOC with a record of every kind, and an access security file. */
export async function startValuesIoc(): Promise<SoftIoc> {
  const { command } = await softIocProgram();
  const folder = temporaryFolder('access-rules');
  const file = join(folder.path, 'rules.acf');
  writeFileSync(file, accessRules);
  const ioc = await startEmbedded({
    command: demoIocCommand(command, file, '127.0.0.1'), environment: process.env, maxArrayBytes: 2_000_000, records: recordsDb(values),
  });
  void ioc.process.exited.then(() => folder[Symbol.dispose]());
  return ioc;
}

/** Many small records of mixed kinds: name and value by number. */
export const mixed = (n: number): RecordText => {
  const name = `C:MANY:${n}`;
  switch (n % 5) {
    case 0: return { type: 'ao', name, fields: { VAL: n + 0.5, PINI: 'YES' } };
    case 1: return { type: 'longout', name, fields: { VAL: n, PINI: 'YES' } };
    case 2: return { type: 'stringout', name, fields: { VAL: `text ${n}`, PINI: 'YES' } };
    case 3: return { type: 'mbbo', name, fields: { VAL: n % 3, ZRST: 'a', ONST: 'b', TWST: 'c', PINI: 'YES' } };
    default: return { type: 'ai', name, fields: { VAL: -n, PINI: 'YES' } };
  }
};

export const mixedDb = (count: number): string => manyRecords(count, mixed);
export const settable = (n: number): RecordText => ({ type: 'longout', name: `C:SET:${n}` });
export const settableDb = (count: number): string => manyRecords(count, settable);

/**
 * Written to, BLOCK.A keeps the thread of the IOC that tells of completions busy for some seconds: sixteen to the fifth, thrice.
 * Who reads BLOCK:0 meanwhile has to wait, and for whatever it has asked next.
 */
export const blockingDb = recordsDb([
  { type: 'calcout', name: 'BLOCK', fields: { CALC: 'A', ODLY: 0.01, OUT: 'BLOCKED CA', FLNK: 'BLOCK:6' } },
  { type: 'longout', name: 'BLOCKED' },
  ...[1, 2, 3, 4, 5, 6].map((level) => ({
    type: 'fanout', name: `BLOCK:${level}`,
    fields: Object.fromEntries([...level === 6 ? '012' : '0123456789ABCDEF'].map((link) => [`LNK${link}`, `BLOCK:${level - 1}`])),
  })),
  { type: 'calc', name: 'BLOCK:0' },
]);
