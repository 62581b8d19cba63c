/** Snapshots of a Squirrel database into Drey's, each once, with the time they were taken at. */
import { ReadOutcome, type ChannelMeta } from '../../contracts/values.ts';
import { createCollector, type FileValue, type SnapshotContent } from '../../formats/snapshot-file.ts';
import { contentHash } from '../../kernel/content-hash.ts';
import type { Persistence } from '../../persistence/port.ts';
import { tallyQuality } from '../../snapshots/quality.ts';
import type { Session } from '../../persistence/postgres/database.ts';
import { entryIdsByKey, type CopiedPv } from './catalogue.ts';
import type { MigrationReport } from './report.ts';
import { readSavedValues, readSnapshots, type SourceSnapshot, type SourceValue } from './source.ts';
import { savedValue } from './values.ts';

export async function copySnapshots(store: Persistence, source: Session, pvs: ReadonlyMap<string, CopiedPv>, report: MigrationReport): Promise<void> {
  const entryIds = await entryIdsByKey(store);
  const { catalogue: catalogueRevision } = await store.catalogue.revisions();
  for (const snapshot of await readSnapshots(source)) {
    report.snapshots.read += 1;
    const jobId = `squirrel-${snapshot.id}`;
    if ((await store.snapshots.byJob(jobId, 'imported')) !== undefined) {
      report.snapshots.there += 1;
      continue;
    }
    const saved = await readSavedValues(source, snapshot.id);
    const content = rowsOf(snapshot, saved, pvs, report);
    report.snapshots.copied += 1;
    report.values += content.names.length;
    if (report.dryRun) continue;
    const ids = new Set(saved.flatMap(({ pv_id: id }) => entryIds.get(pvs.get(id)?.key ?? '') ?? []));
    await keep(store, snapshot, content, { jobId, catalogueRevision, entryIds: [...ids].sort() });
  }
}

function rowsOf(snapshot: SourceSnapshot, saved: readonly SourceValue[], pvs: ReadonlyMap<string, CopiedPv>, report: MigrationReport): SnapshotContent {
  const collect = createCollector();
  const rows = new Map<string, FileValue>();
  const about = `snapshot ${JSON.stringify(snapshot.title)}`;
  let lost = 0;
  let empty = 0;
  let two = 0;
  for (const { pv_id: id, setpoint, readback } of saved) {
    const pv = pvs.get(id);
    if (pv === undefined) {
      lost += 1;
      continue;
    }
    for (const [name, text] of [[pv.setpoint, setpoint], [pv.readback, readback]] as const) {
      if (name === null) continue;
      const value = savedValue(text, snapshot.created_at.getTime() / 1000);
      if (typeof value === 'string') {
        report.notes.push(`${about}, ${name}: ${value}; the row has no value`);
        rows.set(name, rows.get(name) ?? { kind: 0, outcome: ReadOutcome.disconnected });
        continue;
      }
      const earlier = rows.get(name);
      // A readback may be shared by PVs, and only one of their rows have it.
      if (earlier === undefined || earlier.outcome === ReadOutcome.disconnected) rows.set(name, value);
      else if (value.outcome !== ReadOutcome.disconnected && (value.num !== earlier.num || value.text !== earlier.text)) two += 1;
    }
  }
  for (const [name, value] of rows) {
    if (value.outcome === ReadOutcome.disconnected) empty += 1;
    collect.row(0, name, value);
  }
  if (lost > 0) report.notes.push(`${about}: ${lost} values are of PVs that were left out`);
  if (empty > 0) report.notes.push(`${about}: ${empty} values are null, which was written for disconnected PVs, NaN and infinities alike: they are kept as disconnected`);
  if (two > 0) report.notes.push(`${about}: ${two} channels have two values, of which the first was kept`);
  const { content, faults } = collect.end({});
  if (content === null) throw new Error(`${about} cannot be copied: ${faults[0]}`);
  return content;
}

async function keep(store: Persistence, snapshot: SourceSnapshot, { names, columns, metas }: SnapshotContent, made: { jobId: string; catalogueRevision: number; entryIds: string[] }): Promise<void> {
  columns.channel.set(await store.catalogue.ensureChannels(names));
  const described = new Map<bigint, ChannelMeta>();
  metas.forEach((meta, row) => {
    if (meta === undefined) return;
    columns.metaHash[row] = contentHash(meta);
    described.set(columns.metaHash[row]!, meta);
  });
  await store.snapshots.saveMetas(described);
  const quality = tallyQuality();
  quality.add({ ioc: null, startedAt: null, finishedAt: null, iocProblem: null }, columns);
  const writer = await store.snapshots.begin({
    ...made, title: snapshot.title.slice(0, 255), description: snapshot.description ?? '', createdBy: snapshot.created_by ?? 'squirrel', createdAt: snapshot.created_at,
    mode: 'imported', kind: 'imported', scope: { kind: 'all' },
  });
  try {
    await writer.write(columns);
    await writer.commit({ ...quality.finish(0), iocSkewMs: null });
  } catch (error) {
    await writer.abort();
    throw error;
  }
}
