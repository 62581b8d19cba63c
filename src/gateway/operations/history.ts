/** One PV through time, as JSON text: the values as a snapshot shows them. */
import type { HistoryOf, HistoryPage, PvHistory, SnapshotStore } from '../../persistence/port.ts';
import { createRowWriter, textJson } from '../value-json.ts';

export function createHistoryOperations({ snapshots }: { snapshots: SnapshotStore }) {
  return {
    of: async (of: HistoryOf, page: HistoryPage): Promise<string> => historyJson(await snapshots.history(of, page), page),
  };
}
export type HistoryOperations = ReturnType<typeof createHistoryOperations>;

function historyJson({ totalCount, points, columns, metas }: PvHistory, { limit, offset }: HistoryPage): string {
  const writer = createRowWriter(columns, metas);
  const texts = points.map(({ snapshot, cells }) => {
    const { id, title, createdDate, createdBy, kind } = snapshot;
    const head = JSON.stringify({ snapshotId: id, title, createdDate, createdBy, kind });
    const fields = cells.map(({ role, name, row }) => (role === 'channel' ? `"pvName":${textJson(name)},"value":${writer.saved(row)}` : `"${role}Name":${textJson(name)},"${role}Value":${writer.saved(row)}`));
    return `${head.slice(0, -1)},${fields.join(',')}}`;
  });
  return `{"results":[${texts.join(',')}],"totalCount":${totalCount},"limit":${limit},"offset":${offset}}`;
}
