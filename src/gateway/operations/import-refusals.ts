/** Why a row of a catalogue file is refused: where it stands already, or what its entry says otherwise. */
import { titleOf } from '../../formats/catalogue-columns.ts';
import type { EntryTold, FileSays, RefusedRow } from '../../persistence/port.ts';

const longestText = 60;

export function refusalOf(row: RefusedRow, says: FileSays): string {
  const name = row.setpoint !== null ? `setpoint ${row.setpoint}` : [row.readback === null ? '' : `readback ${row.readback}`, row.config === null ? '' : `config ${row.config}`].filter((part) => part !== '').join(' with ');
  if (row.earlier !== null) return `${name} stands on line ${row.earlier} already`;
  if (row.entries > 1) return `${row.entries} catalogue entries have ${name}: which one is meant cannot be told`;
  return `${name} is of a catalogue entry that differs: ${differences(row.differs!, says).join('; ')}`;
}

function differences({ was, is }: { was: EntryTold; is: EntryTold }, says: FileSays): string[] {
  const fields = says.fields.filter((field) => was[field] !== is[field]).map((field) => `${titleOf(field)} ${shown(was[field])}, here ${shown(is[field])}`);
  const [had, named] = [groupedTags(was), groupedTags(is)];
  const groups = [...new Set([...had.keys(), ...named.keys()])].map((group) => [group, had.get(group) ?? 'none', named.get(group) ?? 'none'] as const);
  return [...fields, ...groups.filter(([, a, b]) => a !== b).map(([group, a, b]) => `${group} ${a}, here ${b}`)];
}

function shown(value: EntryTold[keyof EntryTold]): string {
  if (value === null || value === '') return 'none';
  if (typeof value !== 'string') return String(value);
  return JSON.stringify(value.length > longestText ? `${value.slice(0, longestText)}…` : value);
}

function groupedTags({ tags }: EntryTold): Map<string, string> {
  const grouped = new Map<string, string>();
  for (const { group, name } of tags) grouped.set(group, grouped.has(group) ? `${grouped.get(group)},${name}` : name);
  return grouped;
}
