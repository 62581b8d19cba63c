/** Catalogue entries as the CSV that the import takes, in pieces; what a cell cannot hold is told. */
import { stringify } from 'csv-stringify/sync';
import type { CatalogueEntry } from '../contracts/catalogue.ts';
import { fields as columnFields, groupTitle, titleOf, type Field } from './catalogue-columns.ts';

export interface CatalogueCsvWriter {
  readonly head: string;
  rows(entries: readonly CatalogueEntry[]): string;
}

/** `groups`: names of the tag groups that any of the entries uses. `fields`: the columns, when not all. */
export function createCatalogueCsvWriter(groups: readonly string[], fields: readonly Field[] = Object.values(columnFields)): CatalogueCsvWriter {
  return {
    head: stringify([[...fields.map(titleOf), ...groups.map(groupTitle)]]),
    rows: (entries) => stringify(entries.map((entry) => {
      const tags = new Map<string, string[]>();
      for (const { groupName, name } of entry.tags) {
        const there = tags.get(groupName);
        if (there) there.push(name);
        else tags.set(groupName, [name]);
      }
      return [...fields.map((field) => String(entry[field] ?? '')), ...groups.map((group) => tagList(tags.get(group) ?? []))];
    })),
  };
}

export function groupsOf(entries: readonly CatalogueEntry[]): string[] {
  return [...new Set(entries.flatMap((entry) => entry.tags.map((tag) => tag.groupName)))].sort();
}

/** Texts that are read back as nothing, as the column rules say: a pattern for texts of either case. */
export const meansNothing = '^(nan|none)$';
const nothing = new RegExp(meansNothing, 'i');

function tagList(tags: readonly string[]): string {
  const list = tags.map((tag) => (/^"|,/.test(tag) ? quoted(tag) : tag)).join(',');
  return nothing.test(list) ? quoted(list) : list;
}

const quoted = (text: string): string => `"${text.replaceAll('"', '""')}"`;
