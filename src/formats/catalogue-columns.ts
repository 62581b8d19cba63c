/**
 * The first line of a catalogue CSV: which columns are fields of an entry, and which are tag groups. Every name
 * that is no field is a tag group, so a misspelt field would quietly become one: a name that comes near a field,
 * and is not a tag group yet, is refused with what was probably meant.
 */
export const fields = {
  setpoint: 'setpointAddress',
  readback: 'readbackAddress',
  config: 'configAddress',
  device: 'device',
  description: 'description',
  'abs tolerance': 'absTolerance',
  'rel tolerance': 'relTolerance',
  'read only': 'readOnly',
} as const;
export type Field = (typeof fields)[keyof typeof fields];
const fieldOf = (name: string): Field | undefined => (Object.hasOwn(fields, name.toLowerCase()) ? fields[name.toLowerCase() as keyof typeof fields] : undefined);

export const titleOf = (field: Field): string => fieldTitles[(Object.values(fields) as Field[]).indexOf(field)]!;

export const fieldTitles = ['Setpoint', 'Readback', 'Config', 'Device', 'Description', 'Abs Tolerance', 'Rel Tolerance', 'Read Only'] as const;

/** What a file says of its entries: fields, and tag groups. */
export interface CatalogueSays {
  readonly fields: readonly Field[];
  readonly groups: readonly string[];
}

export type Column = { readonly title: string; readonly field: Field } | { readonly title: string; readonly group: string };

/** Before a column's name: the rest is a tag group, whatever it looks like. */
const groupMark = /^tag:\s*/i;

const bare = (name: string): string => name.toLowerCase().replaceAll(/[^a-z0-9]/g, '');
/** Names that people give to fields elsewhere. */
const otherNames = new Map(Object.entries({ pv: 'Setpoint', pvname: 'Setpoint', sp: 'Setpoint', rb: 'Readback', rbv: 'Readback', desc: 'Description', tolerance: 'Abs Tolerance', abstol: 'Abs Tolerance', reltol: 'Rel Tolerance', ro: 'Read Only' }));

/** The field that a name was probably meant for. */
export function nearField(name: string): string | undefined {
  const given = bare(name).replace(/address$/, '');
  if (given === '') return undefined;
  return otherNames.get(given) ?? fieldTitles.find((title) => {
    const known = bare(title);
    const far = known.length <= 6 ? 1 : 2;
    return given === known || (given.length >= 4 && known.startsWith(given)) || (Math.abs(given.length - known.length) <= far && edits(given, known) <= far);
  });
}

/** Letters put in, left out, exchanged or swapped with their neighbour. */
function edits(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? beforeLast[j - 2]! + 1 : Infinity;
      row.push(Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1), swapped));
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length]!;
}

/** `knownGroups`: names of the tag groups there are, in lower case. */
export function readColumns(cells: readonly string[], knownGroups: ReadonlySet<string>): { columns: Column[]; faults: string[] } {
  const faults: string[] = [];
  const seen = new Set<string>();
  const columns = cells.map((cell, i): Column => {
    const title = cell.trim();
    const mark = groupMark.exec(title)?.[0] ?? '';
    const name = title.slice(mark.length);
    const field = mark === '' ? fieldOf(name) : undefined;
    const key = field ?? `tag ${name.toLowerCase()}`;
    if (name === '') faults.push(`column ${i + 1} has no name`);
    else if (name.length > 255) faults.push(`the name of column ${i + 1} has ${name.length} characters, a tag group's has at most 255`);
    // Entries name their tags in objects, which cannot hold one.
    else if (name === '__proto__') faults.push(`column ${i + 1} is named __proto__, which tags cannot be registered under: name the group otherwise`);
    else if (seen.has(key)) faults.push(`names column ${JSON.stringify(title)} twice`);
    seen.add(key);
    if (field !== undefined) return { title, field };
    const meant = mark === '' && !knownGroups.has(name.toLowerCase()) ? nearField(name) : undefined;
    if (meant !== undefined) faults.push(`column ${JSON.stringify(title)} would be a new tag group: did you mean ${meant}? If not, name the column "tag: ${name}"`);
    return { title, group: name };
  });
  if (!columns.some((column) => 'field' in column && column.field.endsWith('Address')) && !faults.some((fault) => fault.includes('did you mean'))) {
    faults.unshift(`names no column Setpoint, Readback or Config; it names ${cells.slice(0, 20).map((name) => JSON.stringify(name.trim().slice(0, 60))).join(', ')}`);
  }
  return { columns, faults };
}

/** The name of a tag group's column, marked where it would be taken for something else. */
export const groupTitle = (group: string): string => (fieldOf(group) !== undefined || nearField(group) !== undefined || groupMark.test(group) ? `tag: ${group}` : group);
