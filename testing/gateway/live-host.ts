/** Sends live updates as an ioc-host does, of values that the test sets. Its beat is the test's business (see startFakeIocHost). */
import { randomUUID } from 'node:crypto';
import { json, type Bus } from '../../src/bus/port.ts';
import { encodeFrame } from '../../src/contracts/frame.ts';
import type { LiveInterest, LiveUpdates } from '../../src/contracts/live.ts';
import { subjects } from '../../src/contracts/subjects.ts';
import { emptyValueColumns, ReadOutcome, ValueKind, type ChannelMeta, type ValueColumns } from '../../src/contracts/values.ts';
import { metaHashOf } from './fake-ioc-host.ts';

export interface LiveValue {
  readonly num?: number;
  readonly text?: string;
  readonly bytes?: Uint8Array;
  readonly kind?: number;
  readonly severity?: number;
  readonly status?: number;
  readonly outcome?: number;
  readonly timeNs?: bigint;
  readonly meta?: ChannelMeta;
}

export interface LiveHost {
  readonly values: Map<number, LiveValue>;
  readonly interests: LiveInterest[];
  /** Sends these channels as they stand; `lost` = only their number is used up. */
  send(ids: readonly number[], how?: { lost?: boolean }): void;
  /** Changes and sends. */
  set(id: number, value: LiveValue): void;
  stop(): Promise<void>;
}

export async function startLiveHost(bus: Bus, host: string): Promise<LiveHost> {
  const boot = randomUUID();
  let sequence = 0;
  const values = new Map<number, LiveValue>();
  const interests: LiveInterest[] = [];
  const columnsOf = (ids: readonly number[]): ValueColumns => {
    const columns = emptyValueColumns(ids.length);
    ids.forEach((id, row) => {
      const value = values.get(id);
      columns.channel[row] = id;
      columns.outcome[row] = value === undefined ? ReadOutcome.notOwned : (value.outcome ?? ReadOutcome.ok);
      if (value === undefined || columns.outcome[row] !== ReadOutcome.ok) return;
      columns.kind[row] = value.kind ?? (value.text === undefined ? ValueKind.double : ValueKind.text);
      columns.num[row] = value.num ?? 0;
      columns.severity[row] = value.severity ?? 0;
      columns.status[row] = value.status ?? 0;
      columns.timeNs[row] = value.timeNs ?? 1_700_000_000_123_456_789n;
      if (value.meta) columns.metaHash[row] = metaHashOf(value.meta);
      if (value.text !== undefined) columns.text.set(row, value.text);
      if (value.bytes !== undefined) columns.bytes.set(row, value.bytes);
    });
    return columns;
  };
  const publish = (ids: readonly number[], full?: LiveUpdates['full'], lost = false): void => {
    const head: LiveUpdates = { host, boot, sequence: ++sequence, ...(full ? { full } : {}) };
    if (!lost) bus.publish(subjects.liveUpdates(host), encodeFrame(head, columnsOf(ids)));
  };
  const subscription = bus.subscribe(subjects.liveInterest, ({ body }) => {
    const interest = json.decode<LiveInterest>(body);
    interests.push(interest);
    if (interest.full === '*' || interest.full === host) publish([...values.keys()], 'only');
  });
  const beating = setInterval(() => publish([]), 500);
  await bus.flush();
  return {
    values,
    interests,
    send: (ids, how = {}) => publish(ids, undefined, how.lost),
    set: (id, value) => {
      values.set(id, { ...values.get(id), ...value });
      publish([id]);
    },
    stop: async () => {
      clearInterval(beating);
      await subscription.stop();
    },
  };
}
