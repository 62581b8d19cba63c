/** A1: who did what to the machine and to Drey. Rows are added and never changed. */
import type { AuditEvent, AuditStore } from '../port.ts';
import type { Database } from './database.ts';

interface AuditRow {
  readonly id: bigint;
  readonly at: Date;
  readonly who: string;
  readonly what: string;
  readonly subject: string;
  readonly before: string | null;
  readonly after: string | null;
  readonly why: string;
  readonly result: string;
}

export function createAudit(database: Database): AuditStore {
  return {
    record: async (events) => {
      if (events.length === 0) return;
      const column = (pick: (event: AuditEvent) => string | null): (string | null)[] => events.map((event) => pick(event)?.replaceAll('\0', '\u2400') ?? null);
      await database.rows(
        `insert into audit (who, what, subject, before, after, why, result)
         select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[])`,
        [
          column((event) => event.who), column((event) => event.what), column((event) => event.subject), column((event) => jsonOf(event.before)),
          column((event) => jsonOf(event.after)), column((event) => event.why), column((event) => event.result),
        ],
      );
    },
    list: async (filter, page) => {
      const values: unknown[] = [];
      const conditions: string[] = [];
      for (const name of ['what', 'subject', 'who'] as const) {
        const value = filter[name];
        if (value === undefined) continue;
        values.push(value);
        conditions.push(`${name} = $${values.length}`);
      }
      const where = conditions.length === 0 ? '' : `where ${conditions.join(' and ')}`;
      const [count] = await database.rows<{ count: bigint }>(`select count(*) from audit ${where}`, values);
      const rows = await database.rows<AuditRow>(`select * from audit ${where} order by id desc limit $${values.length + 1} offset $${values.length + 2}`, [...values, page.limit, page.offset]);
      return {
        results: rows.map((row) => ({ ...row, id: String(row.id), at: row.at.toISOString(), before: valueOf(row.before), after: valueOf(row.after) })),
        totalCount: Number(count!.count),
      };
    },
  };
}

/** Bigints and non-finite numbers as the texts that the API shows; nothing is lost to null. */
const jsonOf = (value: unknown): string | null =>
  value === undefined || value === null
    ? null
    : JSON.stringify(value, (_, inner: unknown) => (typeof inner === 'bigint' || (typeof inner === 'number' && !Number.isFinite(inner)) ? String(inner) : inner));

const valueOf = (text: string | null): unknown => (text === null ? null : (JSON.parse(text) as unknown));
