import type { SnapshotFilter, SnapshotStore } from '../port.ts';
import { DreyError } from '../../contracts/errors.ts';
import { compareSnapshots } from './snapshot-compare.ts';
import type { Database } from './database.ts';
import type { MetaTable } from './metas.ts';
import { createPartitions } from './partitions.ts';
import { readPage } from './snapshot-page.ts';
import { noSnapshot, readSnapshot, snapshotColumns, summaryOf, type SnapshotRow } from './snapshot-rows.ts';
import { createTagsThen } from './snapshot-tags.ts';
import { readValues } from './snapshot-values.ts';
import { beginSnapshot } from './snapshot-writer.ts';
import { likePattern } from './text-search.ts';
import { createTurns } from './turns.ts';
import { isUuid, knownForm } from './uuid.ts';

export function createSnapshots(database: Database, metas: MetaTable, writersAtOnce: number): SnapshotStore {
  const writers = { database, partitions: createPartitions(database), turns: createTurns(writersAtOnce), tagsThen: createTagsThen(database) };
  return {
    begin: (snapshot) => beginSnapshot(writers, snapshot),
    byJob: async (jobId, kind) => {
      const [row] = await database.rows<SnapshotRow>(`select ${snapshotColumns} from snapshot where job_id = $1 and kind = $2`, [jobId, kind]);
      return row && summaryOf(row);
    },
    list: (filter, page) => listSnapshots(database, filter, page),
    get: async (id) => summaryOf(await readSnapshot(database, id)),
    edit: async (id, edit) => {
      const [row] = await database.rows<SnapshotRow>(
        `update snapshot set title = coalesce($2, title), description = coalesce($3, description), modified_at = now() where id = $1 returning ${snapshotColumns}`,
        [knownForm('snapshot', id), edit.title ?? null, edit.description ?? null],
      );
      return summaryOf(row ?? noSnapshot(id));
    },
    delete: (id) =>
      database.transaction(async (session) => {
        const [row] = await session.rows<SnapshotRow>(`delete from snapshot where id = $1 returning ${snapshotColumns}`, [knownForm('snapshot', id)]);
        if (!row) noSnapshot(id);
        await session.rows('delete from snapshot_value where snapshot = $1', [row.number]);
        return summaryOf(row);
      }),
    page: (id, options) => readPage(database, metas, id, options),
    columns: async (id, channels) => readValues(database, await readSnapshot(database, id), channels),
    compare: (a, b) => compareSnapshots(database, metas, a, b),
    unknownMetas: (hashes) => metas.unknown(hashes),
    saveMetas: (all) => metas.save(all),
    metas: (hashes) => metas.read(hashes),
  };
}

async function listSnapshots(database: Database, filter: SnapshotFilter, page: { limit: number; offset: number }): ReturnType<SnapshotStore['list']> {
  const values: unknown[] = [];
  const conditions: string[] = [];
  const condition = (text: (parameter: string) => string, value: unknown): void => {
    values.push(value);
    conditions.push(text(`$${values.length}`));
  };
  if (filter.title !== undefined && filter.title !== '') condition((title) => `title ilike ${title}`, likePattern(filter.title));
  if (filter.kind !== undefined) condition((kind) => `kind = ${kind}`, filter.kind);
  if (filter.tags !== undefined && filter.tags.length > 0) {
    const malformed = filter.tags.find((id) => !isUuid(id));
    if (malformed !== undefined) throw new DreyError('badInput', `the tag filter holds ${JSON.stringify(malformed.slice(0, 60))}, which is no id`);
    condition((tags) => `tags && ${tags}::uuid[]`, filter.tags);
  }
  const where = conditions.length === 0 ? '' : `where ${conditions.join(' and ')}`;
  return database.transaction(async (session) => {
    const [count] = await session.rows<{ count: bigint }>(`select count(*) from snapshot ${where}`, values);
    const rows = await session.rows<SnapshotRow>(
      `select ${snapshotColumns} from snapshot ${where} order by number desc limit $${values.length + 1} offset $${values.length + 2}`,
      [...values, page.limit, page.offset],
    );
    return { results: rows.map(summaryOf), totalCount: Number(count!.count) };
  }, 'steady');
}
