import { DreyError } from '../../contracts/errors.ts';
import type { SnapshotStore } from '../port.ts';
import { createCatalogueThen } from './catalogue-then.ts';
import type { Database } from './database.ts';
import { readHistory } from './history.ts';
import { createKeptValues } from './kept-values.ts';
import type { MetaTable } from './metas.ts';
import { createPartitions } from './partitions.ts';
import type { SetpointsNow } from './setpoints-now.ts';
import { createComparable } from './snapshot-comparable.ts';
import { readDevicesThen, readTagsThen } from './snapshot-filter.ts';
import { listSnapshots } from './snapshot-list.ts';
import { readPage } from './snapshot-page.ts';
import { noSnapshot, readSnapshot, snapshotColumns, summaryOf, type SnapshotRow } from './snapshot-rows.ts';
import { readSetpointValues } from './snapshot-setpoints.ts';
import { createTagsThen, readGroupsThen } from './snapshot-tags.ts';
import { readValues } from './snapshot-values.ts';
import { beginSnapshot } from './snapshot-writer.ts';
import { createTurns } from './turns.ts';
import { knownForm } from './uuid.ts';

export function createSnapshots(database: Database, metas: MetaTable, setpoints: SetpointsNow, writersAtOnce: number): SnapshotStore {
  const catalogueThen = createCatalogueThen(database);
  const keptValues = createKeptValues(database);
  const writers = { database, partitions: createPartitions(database), turns: createTurns(writersAtOnce), tagsThen: createTagsThen(database), setpoints };
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
        `update snapshot set title = coalesce($2, title), description = coalesce($3, description), labels = coalesce($4, labels), golden = coalesce($5, golden), modified_at = now() where id = $1 returning ${snapshotColumns}`,
        [knownForm('snapshot', id), edit.title ?? null, edit.description ?? null, edit.labels ?? null, edit.golden ?? null],
      );
      return summaryOf(row ?? noSnapshot(id));
    },
    delete: (id, { unlessLabelled = [] } = {}) =>
      database.transaction(async (session) => {
        const [row] = await session.rows<SnapshotRow>(`delete from snapshot where id = $1 and not golden and not labels && $2::text[] returning ${snapshotColumns}`, [knownForm('snapshot', id), unlessLabelled]);
        if (!row) throw whyNotDeleted(await readSnapshot(session, id));
        await session.rows('delete from snapshot_value where snapshot = $1', [row.number]);
        return summaryOf(row);
      }),
    page: (id, options) => readPage({ database, catalogueThen, keptValues, metas }, id, options),
    setpointValues: (id) => readSetpointValues(database, metas, setpoints, id),
    columns: async (id, channels) => {
      const snapshot = await readSnapshot(database, id);
      return channels === undefined ? keptValues(snapshot) : readValues(database, snapshot, channels);
    },
    comparable: createComparable({ database, catalogueThen, keptValues, metas }),
    devicesThen: (ids, devices) => readDevicesThen(database, ids, devices),
    groupsThen: (id) => readGroupsThen(database, id),
    tagsThen: (tagIds) => readTagsThen(database, tagIds),
    history: (of, page) => readHistory(database, metas, of, page),
    unknownMetas: (hashes) => metas.unknown(hashes),
    saveMetas: (all) => metas.save(all),
    metas: (hashes) => metas.read(hashes),
  };
}

/** Of one that is there. */
function whyNotDeleted({ id, title, golden, labels }: SnapshotRow): DreyError {
  const why = golden ? 'is golden: take that off first (PUT golden: false)' : `is kept by its labels ${labels.join(', ')}`;
  return new DreyError('conflict', `snapshot ${id} ${JSON.stringify(title)} ${why}; nothing was deleted`);
}
