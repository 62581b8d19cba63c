/** The streams and buckets that Drey lives on. Made or brought up to date at each start; all of 2.10 (never a time to live per key, which 2.10 ignores in silence). */
import { DiscardPolicy, JetStreamApiError, RetentionPolicy, StorageType, type StreamConfig } from '@nats-io/jetstream';
import { nanos } from '@nats-io/nats-core';
import { Kvm, type KvOptions } from '@nats-io/kv';
import { buckets, streams, subjects } from '../../contracts/subjects.ts';
import type { Link } from './link.ts';

const minute = 60_000;
const day = 24 * 60 * minute;

/** Renewed every few seconds by each host; see kernel/placement.ts. */
export const hostLifeMs = 8_000;

/** JetStream reserves `max_bytes` of the server's disk, so these are no larger than they must be. */
const wanted: (Partial<StreamConfig> & { name: string })[] = [
  {
    name: streams.work,
    description: 'work items from coordinators to ioc-hosts',
    subjects: [subjects.allWork],
    retention: RetentionPolicy.Workqueue,
    storage: StorageType.File,
    // An item of an hour ago is of no use to anybody, and none is ever started that late.
    max_age: nanos(60 * minute),
    // R2: an item published again after a crash is the same item for as long as it could exist.
    duplicate_window: nanos(60 * minute),
    max_bytes: 512 * 1024 ** 2,
    // A full queue says so to the coordinator instead of losing its oldest items.
    discard: DiscardPolicy.New,
  },
  {
    name: streams.firings,
    description: 'triggers that have fired, for coordinators to make jobs of',
    subjects: [subjects.allFirings],
    retention: RetentionPolicy.Workqueue,
    storage: StorageType.File,
    // A snapshot a day late is not what the trigger was for.
    max_age: nanos(day),
    // A firing is the same one for as long as a host may try to store it again.
    duplicate_window: nanos(60 * minute),
    max_bytes: 16 * 1024 ** 2,
    discard: DiscardPolicy.New,
  },
  {
    name: streams.deliveries,
    description: 'what webhooks are to be told',
    subjects: [subjects.allDeliveries],
    retention: RetentionPolicy.Workqueue,
    storage: StorageType.File,
    max_age: nanos(day),
    // Every coordinator hears of an event and stores it; so does one that looks back after its start.
    duplicate_window: nanos(60 * minute),
    max_bytes: 64 * 1024 ** 2,
    discard: DiscardPolicy.Old,
  },
  {
    name: streams.restoreLog,
    description: 'what was attempted on the machine and what became of it',
    subjects: [subjects.allRestoreLogs],
    retention: RetentionPolicy.Limits,
    storage: StorageType.File,
    max_age: nanos(30 * day),
    duplicate_window: nanos(60 * minute),
    max_bytes: 1024 ** 3,
    // What ended is in Postgres, so the oldest may go.
    discard: DiscardPolicy.Old,
  },
];

const wantedBuckets: Record<string, Partial<KvOptions>> = {
  // Jobs are pruned after 30 days; the marks of deleted ones go with the bucket's own time to live.
  [buckets.jobs]: { description: 'jobs', history: 1, storage: StorageType.File, ttl: 60 * day, max_bytes: 512 * 1024 ** 2 },
  // On disk, small as it is: a bucket in memory is gone after a restart of the server, and the beats of living hosts with it.
  [buckets.hosts]: { description: 'live ioc-hosts', history: 1, storage: StorageType.File, ttl: hostLifeMs, max_bytes: 8 * 1024 ** 2 },
  // An IOC that an operator took out of service stays out until an operator says otherwise.
  [buckets.orders]: { description: "operators' orders on IOC breakers", history: 1, storage: StorageType.File, max_bytes: 8 * 1024 ** 2 },
};

export async function ensureStreams(link: Link): Promise<void> {
  // All at once: each is a question to the server, and most are answered with what is there already.
  await Promise.all([
    ...wanted.map((config) => attempt(link, `stream ${config.name}`, () => ensureStream(link, config))),
    ...Object.entries(wantedBuckets).map(([name, options]) =>
      attempt(link, `bucket ${name}`, async () => {
        await new Kvm(link.stream).create(name, { ...options, allow_direct: true });
      }),
    ),
  ]);
}

async function ensureStream(link: Link, config: Partial<StreamConfig> & { name: string }): Promise<void> {
  try {
    await link.manager.streams.add(config);
  } catch (fault) {
    // 10058: it is there with another configuration, that of an older Drey or of an operator who gave it replicas.
    if (!(fault instanceof JetStreamApiError) || fault.code !== 10058) throw fault;
    const { name, retention: _fixed, storage: _alsoFixed, ...changeable } = config;
    await link.manager.streams.update(name, changeable);
  }
}

/** Two processes that start together make the same thing; a JetStream that has just started asks for patience. */
async function attempt(link: Link, what: string, run: () => Promise<void>): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      return await run();
    } catch (fault) {
      if (tries === 5) throw link.fault(fault, `ensure ${what}`);
      await new Promise((resume) => setTimeout(resume, 100 * tries));
    }
  }
}
