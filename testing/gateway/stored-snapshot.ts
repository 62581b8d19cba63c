/** Plays the coordinator: stores a snapshot of given values, as it would. */
import type { SnapshotQuality, SnapshotSummary } from '../../src/contracts/snapshots.ts';
import { emptyValueColumns, ReadOutcome, ValueKind, type ChannelMeta } from '../../src/contracts/values.ts';
import type { Persistence } from '../../src/persistence/port.ts';
import { metaHashOf } from './fake-ioc-host.ts';

export interface SavedValue {
  readonly kind?: number;
  readonly num?: number;
  readonly text?: string;
  readonly bytes?: Uint8Array;
  readonly outcome?: number;
  readonly severity?: number;
  readonly status?: number;
  readonly timeNs?: bigint;
  readonly meta?: ChannelMeta;
}

const quality = (rows: number): SnapshotQuality => ({
  rows, outcomes: { ok: rows }, rowsInAlarm: { minor: 0, major: 0, invalid: 0 }, firstReadAt: null, lastReadAt: null, oldestTimeNs: null, newestTimeNs: null, iocSkewMs: null, iocsNotAnswering: [], iocs: 1, durationMs: 1,
});

let jobs = 0;

/** `values` by channel name; other channels of the catalogue are stored as not found. */
export async function storeSnapshot(persistence: Persistence, title: string, values: Readonly<Record<string, SavedValue>>): Promise<SnapshotSummary> {
  const { channels, revisions } = await persistence.catalogue.resolve({ kind: 'all' });
  const names = await persistence.catalogue.names(channels);
  const columns = emptyValueColumns(channels.length);
  const metas = new Map<bigint, ChannelMeta>();
  names.forEach((name, row) => {
    const value = values[name];
    columns.channel[row] = channels[row]!;
    columns.outcome[row] = value ? (value.outcome ?? ReadOutcome.ok) : ReadOutcome.notFound;
    if (!value || columns.outcome[row] !== ReadOutcome.ok) return;
    columns.kind[row] = value.kind ?? (value.text === undefined ? ValueKind.double : ValueKind.text);
    columns.num[row] = value.num ?? 0;
    columns.severity[row] = value.severity ?? 0;
    columns.status[row] = value.status ?? 0;
    columns.timeNs[row] = value.timeNs ?? 1_700_000_000_123_456_789n;
    if (value.text !== undefined) columns.text.set(row, value.text);
    if (value.bytes !== undefined) columns.bytes.set(row, value.bytes);
    if (value.meta) {
      columns.metaHash[row] = metaHashOf(value.meta);
      metas.set(columns.metaHash[row]!, value.meta);
    }
  });
  await persistence.snapshots.saveMetas(metas);
  const jobId = `00000000-0000-4000-8000-${String(++jobs).padStart(12, '0')}`;
  const writer = await persistence.snapshots.begin({ title, description: '', createdBy: 'test', mode: 'live', scope: { kind: 'all' }, kind: 'snapshot', jobId, entryIds: null, catalogueRevision: revisions.catalogue });
  await writer.write(columns);
  return writer.commit(quality(columns.length));
}
