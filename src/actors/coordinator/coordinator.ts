/**
 * The service that claims jobs and runs them. J1: the KV bucket is the truth; a job whose coordinator
 * died is taken up when its lease has run out, or at once by the same coordinator after its restart.
 */
import { randomUUID } from 'node:crypto';
import { watchHosts, type Hosts } from '../../bus/hosts.ts';
import { json, type Bus, type KeyValue, type Subscription } from '../../bus/port.ts';
import { DreyError } from '../../contracts/errors.ts';
import type { JobRecord } from '../../contracts/jobs.ts';
import { buckets } from '../../contracts/subjects.ts';
import type { Clock } from '../../kernel/clock.ts';
import { Fenced } from '../../kernel/job-run.ts';
import type { Service } from '../../kernel/lifecycle.ts';
import type { Log } from '../../kernel/log.ts';
import type { Registry } from '../../kernel/metrics.ts';
import type { Persistence } from '../../persistence/port.ts';
import { startAutomation, type Automation } from '../automation/index.ts';
import { runRestore } from '../restore-coordinator/index.ts';
import { runSnapshot } from '../snapshot-coordinator/index.ts';
import { serveCatalogue } from './catalogue-service.ts';
import { claimOf, isOpen, mustGiveWay, outlived } from './claims.ts';
import { createDirectory } from './directory.ts';
import { claimJob, type HeldJob } from './held-job.ts';
import { hostsReady } from './hosts-ready.ts';
import { jobMetrics } from './job-metrics.ts';
import { createMetaKeeper } from './metas.ts';

export interface CoordinatorDeps {
  readonly bus: Bus;
  readonly persistence: Persistence;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Registry;
  /** Stays the same over restarts, and is nobody else's at the same time. */
  readonly id: string;
  /** Put-callbacks in flight per IOC during a restore. */
  readonly putWindow?: number;
}

const pruneMs = 3_600_000;
/** Jobs at once; more of them wait as pending. */
const mostRunning = 16;

export function createCoordinator(deps: CoordinatorDeps): Service {
  const { bus, persistence, clock, log } = deps;
  const me = { id: deps.id, owner: `${deps.id}#${randomUUID().slice(0, 8)}` };
  const metrics = jobMetrics(deps.metrics);
  const records = new Map<string, { record: JobRecord; revision: number }>();
  /** Held or being claimed. */
  const running = new Map<string, HeldJob | 'claiming'>();
  /** Waiting for the watch to show our claim, see mustGiveWay(). */
  const shown = new Map<string, (revision: number) => void>();
  const ends = new Set<Promise<void>>();
  let jobs: KeyValue;
  let hosts: Hosts;
  let automation: Automation | undefined;
  let subscriptions: Subscription[] = [];
  let stopping = new AbortController();
  let lookTimer: unknown;
  let pruneTimer: unknown;
  let parts: ReturnType<typeof partsOf>;

  const allRecords = function* (): Generator<JobRecord> {
    for (const { record } of records.values()) yield record;
  };

  const lookAgain = (at?: number): void => {
    clock.clearTimeout(lookTimer);
    lookTimer = clock.setTimeout(considerAll, at === undefined ? 5_000 : Math.min(5_000, Math.max(10, at - clock.now())));
  };
  const considerAll = (): void => {
    if (stopping.signal.aborted) return;
    let next: number | undefined;
    const waiting = [...records.values()].filter(({ record }) => isOpen(record)).sort((a, b) => (a.record.job.createdAt < b.record.job.createdAt ? -1 : 1));
    for (const { record, revision } of waiting) {
      if (running.has(record.job.id) || running.size >= mostRunning) continue;
      const claim = claimOf(record, allRecords(), me, clock.now());
      if (claim.kind === 'claim') take(record, revision);
      else if (claim.kind === 'lookAt') next = Math.min(next ?? Infinity, claim.at);
      else if (claim.kind === 'behind') tellWaiting(record, revision, claim.job);
    }
    lookAgain(next);
  };

  const tellWaiting = (record: JobRecord, revision: number, before: JobRecord): void => {
    const message = `waits for the restore of snapshot ${before.work.type === 'snapshot_restore' ? before.work.snapshotId : ''} (job ${before.job.id}) to end`;
    if (record.job.message === message || bus.state !== 'connected') return;
    // Whoever is faster, another coordinator or a claim, may win: it is only a message.
    jobs.update(record.job.id, json.encode({ ...record, job: { ...record.job, message } } satisfies JobRecord), revision).catch(() => {});
  };

  const take = (record: JobRecord, revision: number): void => {
    const { id } = record.job;
    running.set(id, 'claiming');
    const end = run(record, revision)
      .catch((fault: unknown) => log.error({ job: id, err: fault }, 'a job could not be run'))
      .finally(() => {
        running.delete(id);
        shown.delete(id);
        ends.delete(end);
        considerAll();
      });
    ends.add(end);
  };

  const run = async (record: JobRecord, revision: number): Promise<void> => {
    const { id } = record.job;
    const claimShown = new Promise<void>((resolve) => shown.set(id, () => resolve()));
    const held = await claimJob({ bus, jobs, clock, log, me }, record, revision).catch((fault: unknown) => {
      if (fault instanceof DreyError && (fault.code === 'unavailable' || fault.code === 'timeout')) return undefined;
      throw fault;
    });
    if (held === undefined) return;
    running.set(id, held);
    if (stopping.signal.aborted) return held.release();
    if (record.work.type === 'snapshot_restore' && record.job.status === 'pending') {
      await claimShown;
      if (mustGiveWay(held.record, allRecords())) {
        await held.save({ job: { status: 'pending', startedAt: null } });
        return held.release();
      }
    }
    const resumed = record.job.status === 'running';
    log.info({ job: id, type: record.work.type, resumed }, resumed ? 'job taken up again' : 'job begun');
    const ended = metrics.begun(record.work.type);
    try {
      await hostsReady(hosts, clock, resumed, held.signal, (why) => held.progress(held.record.job.progress, why));
      await (record.work.type === 'snapshot_create' ? runSnapshot(parts, held) : runRestore(parts, held));
      ended(held.record.job.status);
      await automation?.jobEnded(held.record);
      log.info({ job: id, status: held.record.job.status, message: held.record.job.message, error: held.record.job.error }, 'job ended');
    } catch (fault) {
      ended('lost');
      if (fault instanceof Fenced || held.signal.aborted) return;
      log.error({ job: id, err: fault }, 'a job failed unexpectedly');
      // J1: it ends with a reason, whatever went wrong here.
      await held.save({ job: { status: 'failed', errorCode: 'internal', error: `unexpected: ${fault instanceof Error ? fault.message : String(fault)}`, completedAt: new Date(clock.now()).toISOString() } }).catch(() => {});
    }
  };

  const prune = (): void => {
    const old = bus.state === 'connected' ? outlived(allRecords(), clock.now()) : [];
    for (const id of old) void jobs.delete(id).catch(() => {});
    if (old.length > 0) log.info({ jobs: old.length }, 'old jobs removed');
    pruneTimer = clock.setTimeout(prune, pruneMs);
  };

  const watchJobs = async (): Promise<Subscription> => {
    let ready = (): void => {};
    const standing = new Promise<void>((done) => (ready = done));
    let told = false;
    const subscription = await jobs.watch({
      entry: (id, value, revision) => {
        const record = value === undefined ? undefined : json.decode<JobRecord>(value);
        if (record === undefined) records.delete(id);
        else records.set(id, { record, revision });
        const held = running.get(id);
        if (typeof held === 'object') held.seen(record);
        if (record?.lease?.owner === me.owner) shown.get(id)?.(revision);
        if (told && held === undefined) considerAll();
      },
      ready: () => {
        told = true;
        ready();
      },
    });
    await standing;
    return subscription;
  };

  return {
    name: 'coordinator',
    start: async () => {
      stopping = new AbortController();
      // First of all: hosts that start at the same time wait for the names.
      subscriptions = [serveCatalogue(bus, persistence.catalogue)];
      jobs = await bus.keyValue(buckets.jobs);
      hosts = await watchHosts(bus);
      parts = partsOf(deps, hosts);
      subscriptions.push({ stop: () => hosts.stop() });
      subscriptions.push(await watchJobs());
      automation = await startAutomation({ bus, persistence, hosts, clock, log });
      subscriptions.push(automation);
      considerAll();
      prune();
    },
    stop: async () => {
      stopping.abort();
      clock.clearTimeout(lookTimer);
      clock.clearTimeout(pruneTimer);
      await Promise.all([...running.values()].map((held) => (typeof held === 'object' ? held.release() : undefined)));
      await Promise.race([Promise.all(ends), new Promise<void>((resume) => clock.setTimeout(resume, 2_000))]);
      await Promise.all(subscriptions.splice(0).map((subscription) => subscription.stop()));
    },
  };
}

/** What the coordinators of both kinds of job share. */
function partsOf(deps: CoordinatorDeps, hosts: Hosts) {
  const { bus, persistence, clock, log } = deps;
  const directory = createDirectory(persistence.catalogue, hosts);
  return {
    bus,
    persistence,
    clock,
    log,
    putWindow: deps.putWindow ?? 128,
    resolve: directory.resolve,
    place: directory.place,
    isLive: (host: string) => hosts.beats.has(host),
    keepMetas: createMetaKeeper({ bus, snapshots: persistence.snapshots, hosts, log }),
  };
}
