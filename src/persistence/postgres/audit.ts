/**
 * A1: who did what to the machine and to Drey. Events are added and never changed. Those of a restore
 * are its rows (restores.ts): they are listed here as `pv.write` and stored there.
 */
import { restoreOutcomeNames, type RestoreOutcome } from '../../contracts/restores.ts';
import type { AuditEvent, AuditStore } from '../port.ts';
import type { Database, Session } from './database.ts';
import type { MetaTable } from './metas.ts';
import { tellRows } from './restore-values.ts';

interface AuditRow {
  readonly id: string;
  readonly at: Date;
  readonly who: string;
  readonly what: string;
  readonly subject: string;
  readonly before: string | null;
  readonly after: string | null;
  readonly why: string;
  readonly result: string | null;
  /** Of a restore's row; null else. */
  readonly restore: number | null;
  readonly row: number;
  /** Of the part that the row is in. */
  readonly first: number;
  readonly outcome: number;
  readonly reason: number;
  readonly code: number;
  readonly job: string;
  readonly snapshot: string;
}

type Filter = Parameters<AuditStore['list']>[0];

const write = 'pv.write';

export function createAudit(database: Database, metas: MetaTable): AuditStore {
  return {
    record: (events) => recordEvents(database, events),
    list: async (filter, page) => {
      const [results, totalCount] = await Promise.all([listed(database, metas, filter, page), counted(database, filter)]);
      return { results, totalCount };
    },
  };
}

export async function recordEvents(session: Session, events: readonly AuditEvent[]): Promise<void> {
  if (events.length === 0) return;
  const column = (pick: (event: AuditEvent) => string | null): (string | null)[] => events.map((event) => pick(event)?.replaceAll('\0', '\u2400') ?? null);
  await session.rows(
    `insert into audit (who, what, subject, before, after, why, result)
     select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[])`,
    [
      column((event) => event.who), column((event) => event.what), column((event) => event.subject), column((event) => jsonOf(event.before)),
      column((event) => jsonOf(event.after)), column((event) => event.why), column((event) => event.result),
    ],
  );
}

/** Parameters $1 what, $2 subject, $3 who; null = any. */
const wanted = ({ what, subject, who }: Filter): unknown[] => [what ?? null, subject ?? null, who ?? null];
const recorded = '($1::text is null or what = $1) and ($2::text is null or subject = $2) and ($3::text is null or who = $3)';
// Parts that may hold the channel are found by their index, which a name joined in cannot use.
const ofRestores = `rr.attempted and ($1::text is null or $1 = '${write}') and ($3::text is null or r.who = $3)
  and ($2::text is null or c.name = $2 and int4range(rr.lowest, rr.highest, '[]') @> (select id from channel where name = $2))`;

async function listed(database: Database, metas: MetaTable, filter: Filter, page: { limit: number; offset: number }): Promise<(AuditEvent & { id: string; at: string })[]> {
  // Each half brings no more than the page can show.
  const rows = await database.rows<AuditRow>(
    `select * from (
       (select id::text, at, who, what, subject, before, after, why, result, null::int4 as restore, 0 as row, 0 as first, 0 as outcome, 0 as reason, 0 as code, '' as job, '' as snapshot, id as place
        from audit where ${recorded} order by audit.id desc limit $4::int4 + $5::int4)
       union all
       (select 'r' || rr.restore || '.' || rr.row, r.finished_at, r.who, '${write}', c.name, null, null, r.reason, null, rr.restore, rr.row, rr.first_row, rr.outcome, rr.why, rr.code, r.job_id, r.snapshot_id::text, -rr.row
        from restore_row rr join restore r on r.number = rr.restore join channel c on c.id = rr.channel
        where ${ofRestores} order by rr.restore desc, rr.first_row, rr.row limit $4::int4 + $5::int4)
     ) events order by at desc, place desc limit $4 offset $5`,
    [...wanted(filter), page.limit, page.offset],
  );
  const ended = rows.flatMap((row) => (row.restore === null ? [] : [{ id: row.id, restore: row.restore, first: row.first, row: row.row, why: row.reason, code: row.code }]));
  const told = new Map((await tellRows(database, metas, ended)).map((one, i) => [ended[i]!.id, one]));
  return rows.map(({ id, at, who, what, subject, why, ...row }) => {
    const event = { id, at: at.toISOString(), who, what, subject, why };
    if (row.restore === null) return { ...event, before: valueOf(row.before), after: valueOf(row.after), result: row.result ?? '' };
    const { before, target, after, sentence } = told.get(id)!;
    return {
      ...event,
      before: { value: before },
      after: { value: target, readBack: after, job: row.job, snapshot: row.snapshot },
      result: `${restoreOutcomeNames[row.outcome as RestoreOutcome]}${sentence === '' ? '' : `: ${sentence}`}`,
    };
  });
}

async function counted(database: Database, filter: Filter): Promise<number> {
  const rows = filter.subject === undefined
    ? `(select coalesce(sum(r.attempted), 0) from restore r where ($1::text is null or $1 = '${write}') and ($3::text is null or r.who = $3))`
    : `(select count(*) from channel c join restore_row rr on rr.channel = c.id join restore r on r.number = rr.restore where ${ofRestores})`;
  const [sum] = await database.rows<{ count: string }>(`select ((select count(*) from audit where ${recorded}) + ${rows})::text as count`, wanted(filter));
  return Number(sum!.count);
}

/** Bigints and non-finite numbers as the texts that the API shows; nothing is lost to null. */
const jsonOf = (value: unknown): string | null =>
  value === undefined || value === null
    ? null
    : JSON.stringify(value, (_, inner: unknown) => (typeof inner === 'bigint' || (typeof inner === 'number' && !Number.isFinite(inner)) ? String(inner) : inner));

const valueOf = (text: string | null): unknown => (text === null ? null : (JSON.parse(text) as unknown));
