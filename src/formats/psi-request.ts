/** PSI snapshot request files in JSON or YAML: `include[]{name, macros[]}`, `pvs{defaults{precision}, list[]{name, precision}}`. */
import { isMap, isScalar, isSeq, LineCounter, parseDocument, type YAMLMap } from 'yaml';
import { expandMacros, type Macros } from './macros.ts';
import { nameFault, plainEntry, type FileEntry } from './snapshot-file.ts';
import type { ReadEntries, RequestOptions } from './request-files.ts';

const deepest = 20;
const mostEntries = 1_000_000;

export function readPsiRequest(text: string, { macros = {}, include }: RequestOptions = {}): ReadEntries {
  const faults: string[] = [];
  const found = new Map<string, { entry: FileEntry; line: number }>();
  read(text, macros, '', []);
  if (found.size === 0 && faults.length === 0) faults.push('line 1: the file names no PV');
  if (faults.length > 0) return { entries: [], lines: [], faults };
  const all = [...found.values()];
  return { entries: all.map(({ entry }) => entry), lines: all.map(({ line }) => line), faults };

  function read(content: string, given: Macros, file: string, open: readonly string[]): void {
    const at = (line: number): string => (file === '' ? `line ${line}` : `${file} line ${line}`);
    // Macros are replaced in the whole text, before it is taken apart.
    const expanded = expandMacros(content, given);
    if ('missing' in expanded) return void faults.push(`${at(lineOfMacro(content, expanded.missing[0]!))}: no value is given for the macro ${expanded.missing.join(', ')}`);
    const lines = new LineCounter();
    const document = parseDocument(expanded.text, { lineCounter: lines, maxAliasCount: 0 } as object);
    const lineOf = (node: unknown): number => lines.linePos((node as { range?: [number] } | null)?.range?.[0] ?? 0).line;
    for (const error of document.errors) faults.push(`${at(error.linePos?.[0].line ?? 1)}: ${error.message.split('\n')[0]}`);
    if (document.errors.length > 0) return;
    const root: unknown = document.contents;
    if (!isMap(root)) return void faults.push(`${at(1)}: the file holds no mapping with "pvs"`);
    const includes = root.get('include', true) as unknown;
    if (isSeq(includes)) for (const item of includes.items) if (isMap(item)) includeOne(item);
    const pvs = root.get('pvs', true) as unknown;
    if (!isMap(pvs)) return;
    const usual = numberIn(pvs.get('defaults', true), 'precision');
    const list = pvs.get('list', true) as unknown;
    if (!isSeq(list)) return void faults.push(`${at(lineOf(pvs))}: pvs has no list`);
    for (const item of list.items) {
      const name = isMap(item) ? item.get('name') : isScalar(item) ? item.value : undefined;
      const wrong = typeof name === 'string' ? nameFault(name) : 'an item of the list has no name';
      if (wrong !== undefined || typeof name !== 'string') faults.push(`${at(lineOf(item))}: ${wrong}`);
      else if (!found.has(name) && found.size < mostEntries) {
        const precision = numberIn(item, 'precision') ?? usual;
        found.set(name, { entry: plainEntry(name, precision === undefined ? {} : { absTolerance: Number(`1e${-Math.round(precision)}`) }), line: file === '' ? lineOf(item) : 1 });
      }
    }

    function includeOne(item: YAMLMap): void {
      const path = item.get('name');
      if (typeof path !== 'string') return void faults.push(`${at(lineOf(item))}: an include has no name`);
      if (open.includes(path)) return void faults.push(`${at(lineOf(item))}: ${path} includes itself: ${[...open, path].join(' > ')}`);
      if (open.length >= deepest) return void faults.push(`${at(lineOf(item))}: ${path} is included ${deepest} files deep`);
      const text = include?.(path, file);
      if (text === undefined) return void faults.push(`${at(lineOf(item))}: includes ${path}, which cannot be read${include ? '' : ' here: use `drey pv import`, which reads files beside the first, or join them'}`);
      const sets = (item.toJSON() as { macros?: unknown }).macros;
      const each = Array.isArray(sets) && sets.length > 0 ? (sets as Record<string, unknown>[]) : [{}];
      for (const set of each) read(text, { ...given, ...Object.fromEntries(Object.entries(set).map(([name, value]) => [name, String(value)])) }, path, [...open, path]);
    }
  }
}

function numberIn(node: unknown, key: string): number | undefined {
  const value = isMap(node) ? node.get(key) : undefined;
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

const lineOfMacro = (text: string, name: string): number => {
  const at = text.search(new RegExp(`\\$[({]\\s*${name.replaceAll(/[^\w]/g, '\\$&')}`));
  return at < 0 ? 1 : text.slice(0, at).split('\n').length;
};
