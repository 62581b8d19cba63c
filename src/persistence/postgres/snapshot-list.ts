/** The list of snapshots: their own rows alone, so that its cost has nothing to do with the values stored. */
import { DreyError } from '../../contracts/errors.ts';
import type { SnapshotFilter, SnapshotSort, SnapshotStore } from '../port.ts';
import type { Database, Session } from './database.ts';
import { snapshotColumns, summaryOf, type SnapshotRow } from './snapshot-rows.ts';
import { likePattern } from './text-search.ts';
import { isUuid } from './uuid.ts';

const sortColumns: Record<SnapshotSort, string> = { createdDate: 'created_at', title: 'lower(title)', createdBy: 'lower(created_by)', pvCount: 'pv_count' };

/** Asked of each snapshot through the key, one probe: a join would read all values of the channel's neighbours. */
const holdsChannel = (name: string): string =>
  `(select true from snapshot_value v where v.snapshot = snapshot.number and v.channel = (select id from channel where name = ${name} collate "C"))`;

export async function listSnapshots(database: Database, filter: SnapshotFilter, page: { limit: number; offset: number }): ReturnType<SnapshotStore['list']> {
  const values: unknown[] = [];
  const conditions: string[] = [];
  const condition = (text: (parameter: string) => string, value: unknown): void => {
    values.push(value);
    conditions.push(text(`$${values.length}`));
  };
  if (filter.title !== undefined && filter.title !== '') condition((title) => `title ilike ${title}`, likePattern(filter.title));
  if (filter.author !== undefined && filter.author !== '') condition((author) => `created_by ilike ${author}`, likePattern(filter.author));
  // Whole ms, as the list shows them: a time taken from it must find its snapshot again.
  if (filter.from !== undefined) condition((from) => `date_trunc('milliseconds', created_at) >= ${from}`, filter.from);
  if (filter.to !== undefined) condition((to) => `date_trunc('milliseconds', created_at) <= ${to}`, filter.to);
  if (filter.kind !== undefined) condition((kind) => `kind = ${kind}`, filter.kind);
  if (filter.tags !== undefined && filter.tags.length > 0) {
    const malformed = filter.tags.find((id) => !isUuid(id));
    if (malformed !== undefined) throw new DreyError('badInput', `the tag filter holds ${JSON.stringify(malformed.slice(0, 60))}, which is no id`);
    condition((tags) => `tags && ${tags}::uuid[]`, filter.tags);
  }
  if (filter.labels !== undefined && filter.labels.length > 0) condition((labels) => `labels && ${labels}::text[]`, filter.labels);
  if (filter.golden !== undefined) condition((golden) => `golden = ${golden}`, filter.golden);
  if (filter.origin !== undefined) condition((origin) => `origin = ${origin}`, filter.origin);
  // Last, so that only what the others let through is probed.
  if (filter.pvName !== undefined) condition(holdsChannel, filter.pvName);
  const where = conditions.length === 0 ? '' : `where ${conditions.join(' and ')}`;
  const direction = filter.order === 'asc' ? 'asc' : 'desc';
  const order = `${sortColumns[filter.sort ?? 'createdDate']} ${direction}, number ${direction}`;
  return database.transaction(async (session) => {
    const [count] = await session.rows<{ count: bigint }>(`select count(*) from snapshot ${where}`, values);
    if (filter.pvName !== undefined && Number(count!.count) === 0) await refuseUnknownName(session, filter.pvName);
    const rows = await session.rows<SnapshotRow>(
      `select ${snapshotColumns} from snapshot ${where} order by ${order} limit $${values.length + 1} offset $${values.length + 2}`,
      [...values, page.limit, page.offset],
    );
    return { results: rows.map(summaryOf), totalCount: Number(count!.count) };
  }, 'steady');
}

async function refuseUnknownName(session: Session, name: string): Promise<void> {
  const known = await session.rows('select 1 from channel where name = $1 collate "C"', [name]);
  if (known.length === 0) throw new DreyError('notFound', `there was never a PV ${JSON.stringify(name)}`);
}
