/** One PV through time: its rows in snapshot after snapshot, found by channel, so that edits of the catalogue lose none (S2). */
import { DreyError } from '../../contracts/errors.ts';
import { emptyValueColumns, type ValueColumns } from '../../contracts/values.ts';
import type { HistoryOf, HistoryPage, PvHistory } from '../port.ts';
import type { Database, Session } from './database.ts';
import type { MetaTable } from './metas.ts';
import { roleNames } from './snapshot-roles.ts';
import { snapshotColumns, summaryOf, type SnapshotRow } from './snapshot-rows.ts';
import { knownForm } from './uuid.ts';

interface RoleOfThen {
  readonly role: PvHistory['points'][number]['cells'][number]['role'];
  /** SQL for the channel's id as snapshot `s` knew it. */
  readonly channel: string;
}

/** An entry's version of a snapshot's time; where it was not there then, its newest one. */
const versionThen = `cross join lateral (
  select setpoint, readback, config from entry_version e where e.entry_id = $1
  order by (e.from_revision <= s.catalogue_revision and e.to_revision > s.catalogue_revision) desc, e.from_revision desc limit 1) v`;

export async function readHistory(database: Database, metas: MetaTable, of: HistoryOf, page: HistoryPage): Promise<PvHistory> {
  const { key, join, roles } = await subjectOf(database, of);
  const values: unknown[] = [key];
  const conditions: string[] = [];
  if (page.from) conditions.push(`date_trunc('milliseconds', s.created_at) >= $${values.push(page.from)}`);
  if (page.to) conditions.push(`date_trunc('milliseconds', s.created_at) <= $${values.push(page.to)}`);
  // Asked of each snapshot through the key, as in snapshot-list.ts.
  conditions.push(`(${roles.map(({ channel }) => `(select true from snapshot_value p where p.snapshot = s.number and p.channel = ${channel})`).join(' or ')})`);
  const from = `from snapshot s ${join} where ${conditions.join(' and ')}`;

  return database.transaction(async (session) => {
    const [count] = await session.rows<{ count: bigint }>(`select count(*) ${from}`, values);
    const snapshots = await session.rows<SnapshotRow & Record<string, number | null>>(
      `select ${snapshotColumns.split(', ').map((name) => `s.${name}`).join(', ')}, ${roles.map(({ role, channel }) => `${channel} as channel_${role}`).join(', ')}
       ${from} order by s.number desc limit $${values.length + 1} offset $${values.length + 2}`,
      [...values, page.limit, page.offset],
    );
    const wanted = snapshots.flatMap((snapshot) => roles.map(({ role }) => ({ snapshot: snapshot.number, channel: snapshot[`channel_${role}`] ?? null })));
    const { columns, rowOf } = await readRows(session, wanted.filter((one): one is { snapshot: number; channel: number } => one.channel !== null));
    const names = new Map((await session.rows<{ id: number; name: string }>('select id, name from channel where id = any($1::int4[])', [[...new Set(columns.channel)]])).map(({ id, name }) => [id, name]));
    const points = snapshots.map((snapshot) => ({
      snapshot: summaryOf(snapshot),
      cells: roles.flatMap(({ role }) => {
        const channel = snapshot[`channel_${role}`];
        const row = channel === null || channel === undefined ? undefined : rowOf.get(`${snapshot.number} ${channel}`);
        return row === undefined ? [] : [{ role, name: names.get(channel!)!, row }];
      }),
    }));
    return { totalCount: Number(count!.count), points, columns, metas: await metas.read(columns.metaHash) };
  }, 'steady');
}

async function subjectOf(session: Session, of: HistoryOf): Promise<{ key: string | number; join: string; roles: RoleOfThen[] }> {
  if ('pvName' in of) {
    const [channel] = await session.rows<{ id: number }>('select id from channel where name = $1 collate "C"', [of.pvName]);
    if (!channel) throw new DreyError('notFound', `no snapshot and no catalogue entry has ever named ${JSON.stringify(of.pvName.slice(0, 255))}`);
    return { key: channel.id, join: '', roles: [{ role: 'channel', channel: '$1::int4' }] };
  }
  const [entry] = await session.rows('select 1 from entry_version where entry_id = $1 limit 1', [knownForm('catalogue entry', of.entryId)]);
  if (!entry) throw new DreyError('notFound', `there is no catalogue entry ${of.entryId}, and there was none`);
  return { key: of.entryId, join: versionThen, roles: roleNames.map((role) => ({ role, channel: `v.${role}` })) };
}

interface ValueRow {
  readonly snapshot: number;
  readonly channel: number;
  readonly time_ns: bigint | null;
  readonly meta_hash: bigint | null;
  readonly num: number | null;
  readonly code: number | null;
  readonly outcome: number;
  readonly kind: number;
  readonly severity: number;
  readonly status: number;
  readonly raw_text: boolean | null;
  readonly txt: Buffer | null;
  readonly arr: Buffer | null;
}

/** A few rows of many snapshots: one probe each. */
async function readRows(session: Session, wanted: readonly { snapshot: number; channel: number }[]): Promise<{ columns: ValueColumns; rowOf: Map<string, number> }> {
  const rows = await session.rows<ValueRow>(
    `select v.* from unnest($1::int4[], $2::int4[]) w(snapshot, channel)
     cross join lateral (select * from snapshot_value p where p.snapshot = w.snapshot and p.channel = w.channel offset 0) v`,
    [wanted.map(({ snapshot }) => snapshot), wanted.map(({ channel }) => channel)],
  );
  const columns = emptyValueColumns(rows.length);
  const rowOf = new Map<string, number>();
  rows.forEach((row, at) => {
    rowOf.set(`${row.snapshot} ${row.channel}`, at);
    columns.channel[at] = row.channel;
    columns.outcome[at] = row.outcome;
    columns.kind[at] = row.kind;
    columns.severity[at] = row.severity;
    columns.status[at] = row.status;
    columns.timeNs[at] = row.time_ns ?? 0n;
    columns.metaHash[at] = row.meta_hash ?? 0n;
    columns.num[at] = row.num ?? 0;
    columns.code[at] = row.code ?? 0;
    if (row.raw_text !== null) columns.rawText.add(at);
    if (row.txt !== null) columns.text.set(at, row.txt.toString('utf8'));
    // Of its own: elements want alignment, and the driver's buffer is shared.
    if (row.arr !== null) columns.bytes.set(at, new Uint8Array(row.arr));
  });
  return { columns, rowOf };
}
