/**
 * An ioc-host as coordinators see it, on a real bus: beats, read items, live reads, descriptions, write
 * items with their log. It has no IOCs; a test says what each channel holds and which IOCs hang.
 */
import { json, type Bus, type Subscription } from '../../src/bus/port.ts';
import { decodeFrame, encodeFrame } from '../../src/contracts/frame.ts';
import type { JobRecord } from '../../src/contracts/jobs.ts';
import { RestoreOutcome, restoreReasonNames } from '../../src/contracts/restores.ts';
import { buckets, streams, subjects, token } from '../../src/contracts/subjects.ts';
import { AccessBits, emptyValueColumns, ReadOutcome, sliceValueColumns, ValueKind, type ChannelMeta, type ValueColumns } from '../../src/contracts/values.ts';
import type { HostBeat, LiveRead, ReadAnswer, ReadItem, RestoreLogEntry, RowResult, WriteItem } from '../../src/contracts/work.ts';

export interface FakeChannel {
  value: number;
  readonly ioc: string;
  meta?: bigint;
}

export interface FakeIocHost {
  readonly name: string;
  readonly channels: Map<number, FakeChannel>;
  readonly metas: Map<bigint, ChannelMeta>;
  /** IOCs that answer nothing: their rows end as timeouts at the deadline. */
  readonly hung: Set<string>;
  /** Read items are taken and never answered. */
  silent: boolean;
  /** Every write that reached a "machine", in order. */
  readonly writes: { channel: number; value: number }[];
  /** Awaited before each slice is written; throwing is a crash there. */
  beforeSlice: (item: WriteItem, from: number) => Promise<void>;
  /** Awaited after a slice was written and before its outcomes are logged. */
  afterSlice: (item: WriteItem, from: number) => Promise<void>;
  readonly readItems: ReadItem[];
  readonly writeItems: WriteItem[];
  stop(): Promise<void>;
}

export const sliceRows = 4;

export async function fakeIocHost(bus: Bus, name: string, channels: Map<number, FakeChannel>): Promise<FakeIocHost> {
  const subscriptions: Subscription[] = [];
  const host: FakeIocHost = {
    name, channels, metas: new Map(), hung: new Set(), silent: false, writes: [], readItems: [], writeItems: [],
    beforeSlice: async () => {},
    afterSlice: async () => {},
    stop: async () => {
      clearInterval(beating);
      await Promise.all(subscriptions.splice(0).map((subscription) => subscription.stop()));
      await beats.delete(token(name));
    },
  };
  const beats = await bus.keyValue(buckets.hosts);
  const startedAt = new Date(Date.now() - 60_000).toISOString();
  const beat = async (): Promise<void> => {
    const body: HostBeat = { host: name, startedAt, at: new Date().toISOString(), channels: channels.size, connected: channels.size, catalogueRevision: 1 };
    await beats.put(token(name), json.encode(body)).catch(() => {});
  };
  await beat();
  const beating = setInterval(() => void beat(), 1_000);

  const valuesOf = (asked: Int32Array): ValueColumns => {
    const values = emptyValueColumns(asked.length);
    values.channel.set(asked);
    asked.forEach((channel, row) => {
      const known = channels.get(channel);
      if (known === undefined) values.outcome[row] = ReadOutcome.notOwned;
      else if (host.hung.has(known.ioc)) values.outcome[row] = ReadOutcome.timeout;
      else {
        values.outcome[row] = ReadOutcome.ok;
        values.kind[row] = ValueKind.double;
        values.num[row] = known.value;
        values.timeNs[row] = 1_700_000_000_000_000_000n + BigInt(channel);
        values.metaHash[row] = known.meta ?? 0n;
        values.access[row] = AccessBits.known | AccessBits.read | AccessBits.write;
      }
    });
    return values;
  };
  const hangs = (asked: Int32Array): boolean => asked.some((channel) => host.hung.has(channels.get(channel)?.ioc ?? ''));

  const work = (what: 'read' | 'write', handler: (body: Uint8Array) => Promise<void>) =>
    bus.work(streams.work, { name: `fake-${token(name)}-${what}`, filter: subjects.work(name, what), ackWaitMs: 2_000, concurrency: 16 }, (item) => handler(item.body));

  subscriptions.push(
    await work('read', async (body) => {
      const { head: item, columns } = decodeFrame<ReadItem>(body);
      host.readItems.push(item);
      if (host.silent) return;
      const startedAtMs = Date.now();
      if (hangs(columns.channel)) await new Promise((resume) => setTimeout(resume, item.deadlineMs));
      const values = valuesOf(columns.channel);
      // Always in several parts, the first of them twice: a coordinator must cope.
      const size = Math.max(1, Math.ceil(values.length / 3));
      const parts = Math.max(1, Math.ceil(values.length / size));
      for (let part = 0; part < parts; part++) {
        const head: ReadAnswer = {
          job: item.job, item: item.item, run: item.run, part, parts, ioc: item.ioc, host: name, startedAt: startedAtMs, finishedAt: Date.now(), breaker: 'closed',
          iocProblem: hangs(columns.channel) ? 'the IOC does not answer' : null,
        };
        const frame = encodeFrame(head, sliceValueColumns(values, part * size, (part + 1) * size));
        bus.publish(item.replyTo, frame);
        if (part === 0) bus.publish(item.replyTo, frame);
      }
    }),
    await work('write', (body) => serveWrite(bus, host, body)),
    bus.answer(subjects.liveRead, async (body) => {
      const { columns } = decodeFrame<LiveRead>(body);
      return encodeFrame({ host: name }, valuesOf(columns.channel.filter((channel) => channels.has(channel))));
    }),
    bus.answer(subjects.liveDescribe, async (body) => {
      const { hashes } = json.decode<{ hashes: string[] }>(body);
      return json.encode({ metas: Object.fromEntries(hashes.flatMap((hash) => (host.metas.has(BigInt(hash)) ? [[hash, host.metas.get(BigInt(hash))]] : []))) });
    }),
  );
  await bus.flush();
  return host;
}

async function serveWrite(bus: Bus, host: FakeIocHost, body: Uint8Array): Promise<void> {
  const { head: item, columns } = decodeFrame<WriteItem>(body);
  host.writeItems.push(item);
  const subject = subjects.restoreLog(item.job, item.item);
  const common = () => ({ job: item.job, item: item.item, host: host.name, at: Date.now() });
  const log = (entry: RestoreLogEntry, values?: ValueColumns) => bus.store(subject, encodeFrame(entry, values));
  const outcomes = (from: number, to: number, result: RowResult, values?: ValueColumns) => log({ kind: 'outcomes', ...common(), from, to, results: Array.from({ length: to - from }, () => result) }, values);

  const before = (await bus.readLog(streams.restoreLog, subject)).map((message) => decodeFrame<RestoreLogEntry>(message.body).head);
  if (before.some((entry) => entry.kind === 'finished' || entry.kind === 'closed')) return;
  for (let from = 0; from < columns.length; from += sliceRows) {
    const to = Math.min(columns.length, from + sliceRows);
    if (before.some((entry) => entry.kind === 'outcomes' && entry.from === from)) continue;
    if (before.some((entry) => entry.kind === 'attempting' && entry.from === from)) {
      await outcomes(from, to, [RestoreOutcome.unknown, restoreReasonNames.indexOf('processDied'), 0]);
      continue;
    }
    await host.beforeSlice(item, from);
    const record = json.decode<JobRecord>((await (await bus.keyValue(buckets.jobs)).get(item.job))!.value);
    if (record.cancelRequested !== null) {
      await outcomes(from, to, [RestoreOutcome.skipped, restoreReasonNames.indexOf('cancelled'), 0]);
      continue;
    }
    await log({ kind: 'attempting', ...common(), from, to });
    for (let row = from; row < to; row++) {
      const channel = columns.channel[row]!;
      host.writes.push({ channel, value: columns.num[row]! });
      const known = host.channels.get(channel);
      if (known) known.value = columns.num[row]!;
    }
    await host.afterSlice(item, from);
    await outcomes(from, to, [RestoreOutcome.verified, 0, 0], { ...sliceValueColumns(columns, from, to), outcome: new Uint8Array(to - from).fill(ReadOutcome.ok) });
  }
  await log({ kind: 'finished', ...common() });
}
