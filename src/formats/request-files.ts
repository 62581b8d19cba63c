/**
 * Request files as catalogue entries: autosave, BURT and PSI .req. Includes are read through a callback;
 * without one, a file that includes others is refused. D1: a fault names file and line, and with any there are no entries.
 */
import type { Steps } from '../kernel/in-turns.ts';
import { expandMacros, parseMacros, type Macros } from './macros.ts';
import { nameFault, plainEntry, type FileEntry } from './snapshot-file.ts';

export interface RequestOptions {
  readonly macros?: Macros;
  /** The text of a file that another includes; undefined when it cannot be read. */
  readonly include?: (path: string, from: string) => string | undefined;
}

export interface ReadEntries {
  readonly entries: readonly FileEntry[];
  readonly lines: readonly number[];
  readonly faults: readonly string[];
}

export type RequestDialect = 'autosave' | 'burt' | 'psi';

const deepest = 20;
const mostEntries = 1_000_000;

/** What a line says in one of the dialects. */
type Line = { readonly name: string; readonly readOnly?: boolean } | { readonly path: string; readonly macros: string } | { readonly wrong: string } | undefined;

const readLine: Record<RequestDialect, (line: string) => Line> = {
  autosave: (line) => {
    if (line === '' || line.startsWith('#')) return undefined;
    const include = /^file\s+["']?([^\s"',]+)["']?[\s,]*(.*)$/.exec(line);
    if (include) return { path: include[1]!, macros: include[2]! };
    const [name, ...more] = line.split(/\s+/);
    return more.length === 0 || more[0]!.startsWith('#') ? { name: name! } : { wrong: `${JSON.stringify(line.slice(0, 60))} is neither a PV name nor "file NAME MACROS"` };
  },
  burt: (line) => {
    const words = line.replace(/%.*$/, '').trim().split(/\s+/);
    if (words[0] === '') return undefined;
    if (words[0] === '#include') return { path: (words[1] ?? '').replaceAll(/["<>]/g, ''), macros: '' };
    const mark = /^(RO|RON|WO)$/.exec(words[0]!)?.[0];
    const [name, length, ...more] = mark === undefined ? words : words.slice(1);
    if (name === undefined) return { wrong: `${mark} is not followed by a PV name` };
    if (more.length > 0 || (length !== undefined && !/^\d+$/.test(length))) return { wrong: `${JSON.stringify(line.slice(0, 60))} is not "[RO|RON|WO] NAME [length]"` };
    return { name, readOnly: mark === 'RO' || mark === 'RON' };
  },
  psi: (line) => {
    if (line === '' || line.startsWith('#') || line === '}' || /^data\s*\{$/.test(line)) return undefined;
    if (line.startsWith('!')) {
      const include = /^!\s*["']?([^"',]+?)["']?\s*(?:,\s*(.*))?$/.exec(line);
      return include ? { path: include[1]!, macros: include[2] ?? '' } : { wrong: '! is not followed by the name of a file' };
    }
    return { name: line.split(',')[0]!.trim() };
  },
};

export function* readRequest(dialect: RequestDialect, text: string, { macros = {}, include }: RequestOptions = {}): Steps<ReadEntries> {
  const faults: string[] = [];
  const entries = new Map<string, { entry: FileEntry; line: number }>();

  interface Part {
    readonly content: string;
    readonly given: Macros;
    readonly file: string;
    readonly open: readonly string[];
    /** Of the first file, where another is read for it. */
    readonly topLine?: number;
  }

  function* read(part: Part): Steps<void> {
    for (const [at, line] of part.content.split('\n').entries()) {
      yield;
      if (entries.size > mostEntries) return;
      const included = take(part, at + 1, readLine[dialect](line.trim()));
      if (included) yield* read(included);
    }
  }

  /** Gives what the line includes. */
  function take({ given, file, open, topLine }: Part, number: number, said: Line): Part | void {
    const where = file === '' ? `line ${number}` : `${file} line ${number}`;
    const line = topLine ?? number;
    if (said === undefined) return;
    if ('wrong' in said) return void faults.push(`${where}: ${said.wrong}`);
    const template = 'name' in said ? said.name : `${said.path}\n${said.macros}`;
    const expanded = expandMacros(template, given);
    if ('missing' in expanded) return void faults.push(`${where}: no value is given for the macro ${expanded.missing.join(', ')}`);
    if ('name' in said) {
      const wrong = nameFault(expanded.text);
      if (wrong !== undefined) faults.push(`${where}: ${wrong}`);
      else if (!entries.has(expanded.text)) entries.set(expanded.text, { entry: plainEntry(expanded.text, { readOnly: said.readOnly ?? false }), line });
      return;
    }
    const [path, macroText] = expanded.text.split('\n') as [string, string];
    const more = parseMacros(macroText);
    if (more === undefined) return void faults.push(`${where}: ${JSON.stringify(macroText)} is no list of NAME=value`);
    if (open.includes(path)) return void faults.push(`${where}: ${path} includes itself: ${[...open, path].join(' > ')}`);
    if (open.length >= deepest) return void faults.push(`${where}: ${path} is included ${deepest} files deep`);
    const content = include?.(path, file);
    if (content === undefined) return void faults.push(`${where}: includes ${path}, which cannot be read${include ? '' : ' here: use `drey pv import`, which reads files beside the first, or join them'}`);
    return { content, given: dialect === 'autosave' ? more : { ...given, ...more }, file: path, open: [...open, path], topLine: line };
  }

  yield* read({ content: text, given: macros, file: '', open: [] });
  if (entries.size > mostEntries) faults.push(`more than ${mostEntries} PVs`);
  if (entries.size === 0 && faults.length === 0) faults.push('line 1: the file names no PV');
  if (faults.length > 0) return { entries: [], lines: [], faults };
  const all = [...entries.values()];
  return { entries: all.map(({ entry }) => entry), lines: all.map(({ line }) => line), faults };
}

/** Names alone, one a line: setpoints, and what else the entries name. */
export function writeRequest(dialect: RequestDialect, entries: readonly FileEntry[]): { text: string; losses: string[] } {
  const lines = new Map<string, string>();
  for (const { setpoint, readback, config, readOnly } of entries) {
    if (setpoint !== null) lines.set(setpoint, dialect === 'burt' && readOnly ? `RO ${setpoint}` : setpoint);
    for (const name of [readback, config]) if (name !== null && !lines.has(name)) lines.set(name, dialect === 'burt' ? `RO ${name}` : name);
  }
  const losses = dialect === 'burt' ? [] : [`${entries.filter((entry) => entry.readOnly || entry.readback !== null || entry.config !== null).length} entries are read-only or name readbacks: the file does not tell these from setpoints`];
  return { text: `${[...lines.values()].join('\n')}\n`, losses: losses.filter((loss) => !loss.startsWith('0 ')) };
}
