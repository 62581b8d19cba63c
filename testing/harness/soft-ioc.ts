import { startSoftIoc as startEmbedded, type SoftIoc, type SoftIocOptions } from '../../src/embedded/index.ts';
import { softIocProgram } from './run-folder.ts';

export type SoftIocForTest = Omit<SoftIocOptions, 'command' | 'environment'>;

/** A real soft IOC on loopback, on a free port unless one is given. */
export async function startSoftIoc(options: SoftIocForTest): Promise<SoftIoc> {
  const { command } = await softIocProgram();
  return startEmbedded({ command, environment: process.env, ...options });
}

export type Fields = Record<string, string | number>;
export interface RecordText { type: string; name: string; fields?: Fields; info?: Fields }

/** The text of an EPICS database: `recordsDb([{ type: 'ao', name: 'X', fields: { VAL: 1 } }])`. */
export function recordsDb(records: readonly RecordText[]): string {
  return records.map(({ type, name, fields = {}, info = {} }) => {
    const lines = [
      ...Object.entries(fields).map(([field, value]) => `  field(${field}, ${quoted(value)})`),
      ...Object.entries(info).map(([key, value]) => `  info(${key}, ${quoted(value)})`),
    ];
    return `record(${type}, ${quoted(name)}) {\n${lines.join('\n')}\n}\n`;
  }).join('');
}

/** Many records of one kind: `manyRecords(1000, (n) => ({ type: 'ao', name: `P:${n}` }))`. */
export function manyRecords(count: number, make: (n: number) => RecordText): string {
  return recordsDb(Array.from({ length: count }, (_, n) => make(n)));
}

function quoted(value: string | number): string {
  return `"${String(value).replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}
