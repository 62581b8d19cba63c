/** Answers on the bus as an ioc-host does, from values that the test sets. */
import { json, type Bus } from '../../src/bus/port.ts';
import { DreyError } from '../../src/contracts/errors.ts';
import { decodeFrame, encodeFrame } from '../../src/contracts/frame.ts';
import type { ChannelView, IocView } from '../../src/contracts/iocs.ts';
import { metaToText } from '../../src/contracts/meta-text.ts';
import { buckets, subjects, token } from '../../src/contracts/subjects.ts';
import { AccessBits, emptyValueColumns, ReadOutcome, ValueKind, type ChannelMeta } from '../../src/contracts/values.ts';
import type { DescribeRequest, HostBeat, LiveAnswer, LiveRead } from '../../src/contracts/work.ts';

export interface FakeValue {
  readonly kind?: number;
  readonly num?: number;
  readonly text?: string;
  readonly outcome?: number;
  readonly writable?: boolean;
  readonly meta?: ChannelMeta;
}

export interface FakeIocHost extends AsyncDisposable {
  readonly values: Map<number, FakeValue>;
  readonly commands: { ioc: string; command: string; reason: string; who: string }[];
  readonly reads: LiveRead[];
  ioc: IocView;
  channels: ChannelView[];
  /** Of its two channels. */
  connected: number;
  /** Of its two channels: on the wire, of an IOC that hangs. */
  unresponsive: number;
  /** As if the process were stopped: alive by its beat, and silent. */
  silent: boolean;
}

export const metaHashOf = (meta: ChannelMeta): bigint => {
  let hash = 17n;
  for (const letter of JSON.stringify(meta)) hash = BigInt.asIntN(64, hash * 31n + BigInt(letter.codePointAt(0)!));
  return hash;
};

export async function startFakeIocHost(bus: Bus, host: string, iocName: string): Promise<FakeIocHost> {
  const metas = new Map<string, ChannelMeta>();
  const now = new Date().toISOString();
  const fake: FakeIocHost = {
    values: new Map(),
    commands: [],
    reads: [],
    silent: false,
    connected: 2,
    unresponsive: 0,
    ioc: {
      name: iocName, host, state: 'closed', reason: 'all well', since: now, circuit: 'up', channels: { total: 2, connected: 2, disconnected: 0, searching: 0, denied: 0 },
      window: { calls: 0, failures: 0 }, attempt: 0, nextProbeAt: null, restarts: 0, forcedBy: null,
    },
    channels: [{ name: 'DEMO:A', state: 'connected', since: now }],
    [Symbol.asyncDispose]: async () => {
      clearInterval(beating);
      await Promise.all(subscriptions.map((subscription) => subscription.stop()));
      await bucket.delete(token(host));
    },
  };

  const subscriptions = [
    bus.answer(subjects.liveRead, async (body) => {
      if (fake.silent) return undefined;
      const { head, columns: asked } = decodeFrame<LiveRead>(body);
      fake.reads.push(head);
      const known = [...asked.channel].filter((channel) => fake.values.has(channel));
      const answer = emptyValueColumns(known.length);
      known.forEach((channel, row) => {
        const value = fake.values.get(channel)!;
        answer.channel[row] = channel;
        answer.outcome[row] = value.outcome ?? ReadOutcome.ok;
        answer.kind[row] = value.kind ?? (value.text === undefined ? ValueKind.double : ValueKind.text);
        answer.num[row] = value.num ?? 0;
        answer.timeNs[row] = 1_700_000_000_123_456_789n;
        answer.access[row] = AccessBits.known | AccessBits.read | (value.writable === false ? 0 : AccessBits.write);
        if (value.text !== undefined) answer.text.set(row, value.text);
        if (value.meta) {
          answer.metaHash[row] = metaHashOf(value.meta);
          metas.set(String(answer.metaHash[row]), value.meta);
        }
      });
      return encodeFrame({ host } satisfies LiveAnswer, answer);
    }),
    bus.answer(subjects.liveDescribe, async (body) => {
      if (fake.silent) return undefined;
      const { hashes } = json.decode<DescribeRequest>(body);
      const known = hashes.filter((hash) => metas.has(hash)).map((hash) => `${JSON.stringify(hash)}:${metaToText(metas.get(hash)!)}`);
      return new TextEncoder().encode(`{"metas":{${known.join(',')}}}`);
    }),
    bus.answer(subjects.hostIocs, async (body) => {
      if (fake.silent) return undefined;
      const { ioc } = json.decode<{ ioc?: string }>(body);
      const mine = ioc === undefined || ioc === fake.ioc.name;
      return json.encode({ host, iocs: mine ? [fake.ioc] : [], ...(ioc !== undefined && mine ? { channels: fake.channels } : {}) });
    }),
    bus.answer(subjects.hostCommand, async (body) => {
      if (fake.silent) return undefined;
      const command = json.decode<(typeof fake.commands)[number]>(body);
      if (command.ioc !== fake.ioc.name) return undefined;
      if (command.reason === 'refuse me') throw new DreyError('conflict', 'the test refuses');
      fake.commands.push(command);
      fake.ioc = { ...fake.ioc, state: command.command === 'open' ? 'forcedOpen' : command.command === 'observe' ? 'observing' : 'closed', reason: command.reason, forcedBy: command.who };
      return json.encode(fake.ioc);
    }),
  ];
  const bucket = await bus.keyValue(buckets.hosts);
  const beat = async (): Promise<void> => {
    const body: HostBeat = { host, startedAt: now, at: new Date().toISOString(), channels: 2, connected: fake.connected, unresponsive: fake.unresponsive, catalogueRevision: 0, ca: 'libca' };
    await bucket.put(token(host), json.encode(body));
  };
  await beat();
  // The bucket forgets hosts that do not beat. A bus that the test took away is not the beat's business.
  const beating = setInterval(() => void beat().catch(() => {}), 2_000);
  await bus.flush();
  return fake;
}
