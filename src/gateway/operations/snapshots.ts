/** Snapshots: take, list, read, edit, delete. They are taken by a coordinator; here the job is handed in. */
import { z } from 'zod';
import { json, type Bus } from '../../bus/port.ts';
import { DreyError } from '../../contracts/errors.ts';
import { encodeFrameUnder } from '../../contracts/frame.ts';
import { snapshotLabels, snapshotMode, takeSnapshot, type SnapshotMode, type SnapshotSummary } from '../../contracts/snapshots.ts';
import { subjects } from '../../contracts/subjects.ts';
import { distinctHashes } from '../../contracts/values.ts';
import type { CatalogueStore, SnapshotFilter, SnapshotPage, SnapshotStore, TagStore } from '../../persistence/port.ts';
import { jsonMeta } from '../../snapshots/json-values.ts';
import { mustMayMarkGolden, type Caller } from '../access.ts';
import type { Audit } from '../audit.ts';
import type { JobOperations } from './jobs.ts';
import { createNamesJson } from './names-json.ts';
import { scopeIds, tagIds } from './references.ts';

export const takeBody = takeSnapshot.extend({ mode: snapshotMode.optional() }).strict();
export const snapshotEdit = z.strictObject({
  title: z.string().trim().min(1).max(255).optional(),
  description: z.string().trim().max(4000).nullish(),
  labels: snapshotLabels.optional().describe('instead of all it had'),
  golden: z.boolean().optional().describe('needs the scope write or admin'),
});

export interface SnapshotDeps {
  readonly snapshots: SnapshotStore;
  readonly catalogue: CatalogueStore;
  readonly tags: Pick<TagStore, 'groups'>;
  readonly bus: Bus;
  readonly audit: Audit;
  readonly jobs: JobOperations;
}

export function createSnapshotOperations({ snapshots, catalogue, tags, bus, audit, jobs }: SnapshotDeps) {
  const announce = (what: 'edited' | 'deleted', snapshot: SnapshotSummary): void => {
    if (bus.state === 'connected') bus.publish(subjects.snapshotEvent(snapshot.id), json.encode({ what, snapshot }));
  };

  const namesJson = createNamesJson((channels) => catalogue.names(channels));

  return {
    /** `mode`: what the request's query says, where its body says nothing. */
    take: async (caller: Caller, body: z.output<typeof takeBody>, mode: SnapshotMode = 'live') => {
      if (body.golden) mustMayMarkGolden(caller, 'snapshots.take');
      const request = { ...body, mode: body.mode ?? mode, scope: await scopeIds(tags, body.scope) };
      // Names and ids that do not exist are the asker's fault, told at once instead of by a failed job.
      if (request.scope.kind !== 'all') await catalogue.resolve(request.scope);
      return jobs.submit(caller, { type: 'snapshot_create', request });
    },

    takeAndWait: async (jobId: string, signal: AbortSignal): Promise<SnapshotSummary> => {
      const job = await jobs.finished(jobId, signal);
      if (job.resultId === null) throw new DreyError('internal', `job ${jobId} ended without a snapshot: ${job.message}`);
      return snapshots.get(job.resultId);
    },

    list: async ({ tags: tagged = [], ...filter }: SnapshotFilter, page: { limit: number; offset: number }) => {
      const chosen = tagged.length === 0 ? [] : await tagIds(await tags.groups(), tagged, (old) => snapshots.tagsThen(old));
      return snapshots.list({ ...filter, ...(chosen.length === 0 ? {} : { tags: chosen }) }, page);
    },
    get: (id: string) => snapshots.get(id),
    page: (id: string, options: { limit?: number; offset?: number; search?: string }): Promise<SnapshotPage> => snapshots.page(id, options),

    /** The whole snapshot as one frame: head {snapshot, names, metas}, one row per channel. */
    frame: async (id: string): Promise<Uint8Array> => {
      const [snapshot, columns] = await Promise.all([snapshots.get(id), snapshots.columns(id)]);
      const [names, metas] = await Promise.all([namesJson(columns.channel), snapshots.metas(distinctHashes(columns.metaHash))]);
      const described = JSON.stringify(Object.fromEntries([...metas].map(([hash, meta]) => [String(hash), jsonMeta(meta)])));
      return encodeFrameUnder(Buffer.concat([Buffer.from(`{"snapshot":${JSON.stringify(snapshot)},"names":`), names, Buffer.from(`,"metas":${described}}`)]), columns);
    },

    edit: async (caller: Caller, id: string, edit: z.output<typeof snapshotEdit>): Promise<SnapshotSummary> => {
      const before = await snapshots.get(id);
      if (edit.golden !== undefined && edit.golden !== before.golden) mustMayMarkGolden(caller, 'snapshots.edit');
      const { description, ...rest } = edit;
      const wanted = { ...rest, ...(description === undefined || description === null ? {} : { description }) };
      const told = ({ title, description: text, labels, golden }: SnapshotSummary): object => ({ title, description: text, labels, golden });
      return audit.change(caller, { what: 'snapshots.edit', subject: id, before: told(before) }, async () => {
        const after = await snapshots.edit(id, wanted);
        announce('edited', after);
        return { value: after, after: told(after) };
      });
    },

    delete: (caller: Caller, id: string): Promise<true> =>
      audit.change(caller, { what: 'snapshots.delete', subject: id }, async () => {
        const deleted = await snapshots.delete(id);
        announce('deleted', deleted);
        return { value: true, before: deleted };
      }),
  };
}
export type SnapshotOperations = ReturnType<typeof createSnapshotOperations>;
