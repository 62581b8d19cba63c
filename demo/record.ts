/** One EPICS record as it will stand in a .db file. */
export interface DbRecord {
  type: string;
  name: string;
  fields: Record<string, string | number>;
}

export function record(type: string, name: string, fields: Record<string, string | number>): DbRecord {
  return { type, name, fields };
}

// INP and DOL take JSON links unquoted; everything else is a quoted string.
function fieldText(value: string | number): string {
  if (typeof value === 'number') return `"${Number.isNaN(value) ? 'NaN' : value}"`;
  if (value.startsWith('[') || value.startsWith('{')) return value;
  return `"${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}

export function databaseText(records: readonly DbRecord[]): string {
  return records
    .map(({ type, name, fields }) => {
      const lines = Object.entries(fields).map(([field, value]) => `  field(${field}, ${fieldText(value)})\n`);
      return `record(${type}, "${name}") {\n${lines.join('')}}\n`;
    })
    .join('');
}

/** A setpoint that a person or a restore writes: processed once at start, so that it begins without alarm. */
export function setpoint(name: string, value: number, limits: { low: number; high: number; unit: string; precision: number }, more: Record<string, string | number> = {}): DbRecord {
  const { low, high, unit, precision } = limits;
  return record('ao', name, {
    VAL: value, PINI: 'YES', EGU: unit, PREC: precision,
    DRVL: low, DRVH: high, LOPR: low, HOPR: high,
    ...more,
  });
}

/** The states of an enum record: mbbo and mbbi take up to sixteen, with their severities. */
export function states(labels: readonly string[], severities: readonly ('MINOR' | 'MAJOR' | '')[] = []): Record<string, string | number> {
  const prefixes = ['ZR', 'ON', 'TW', 'TH', 'FR', 'FV', 'SX', 'SV'];
  const fields: Record<string, string | number> = {};
  labels.forEach((label, index) => {
    const prefix = prefixes[index];
    if (prefix === undefined) throw new RangeError(`${labels.length} enum states; this writes at most ${prefixes.length}`);
    fields[`${prefix}VL`] = index;
    fields[`${prefix}ST`] = label;
    const severity = severities[index];
    if (severity) fields[`${prefix}SV`] = severity;
  });
  return fields;
}
