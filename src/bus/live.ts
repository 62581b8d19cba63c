/**
 * Interactive reads: every ioc-host is asked at once over core NATS and answers for the channels it
 * watches. Nothing is kept, and a host that dies meanwhile costs its own rows one timeout (I1).
 */
import { decodeFrame, encodeFrame } from '../contracts/frame.ts';
import type { SnapshotMode } from '../contracts/snapshots.ts';
import { reviveMeta } from '../contracts/meta-text.ts';
import { subjects } from '../contracts/subjects.ts';
import { copyValueRow, emptyValueColumns, ReadOutcome, type ChannelMeta, type ValueColumns } from '../contracts/values.ts';
import type { DescribeRequest, LiveAnswer, LiveRead } from '../contracts/work.ts';
import { json, type Bus } from './port.ts';

/** Rows of one request: an answer of so many scalars is far below the server's largest message, and arrays have room beside them. */
const rowsPerRequest = 5_000;
/** What an answer may take beyond the IOC's deadline. */
const graceMs = 500;

export interface ReadLiveOptions {
  readonly mode: SnapshotMode;
  readonly deadlineMs: number;
  /** Live ioc-hosts; see hosts.ts. */
  readonly hosts: readonly string[];
}

/** One row per channel, in the order given. S1: a row nobody answered says why. */
export async function readLive(bus: Bus, channels: Int32Array, { mode, deadlineMs, hosts }: ReadLiveOptions): Promise<ValueColumns> {
  const result = emptyValueColumns(channels.length);
  result.channel.set(channels);
  // Without a host nobody is there who could know.
  result.outcome.fill(ReadOutcome.hostLost);
  if (hosts.length === 0 || channels.length === 0) return result;
  const slices: Promise<void>[] = [];
  for (let from = 0; from < channels.length; from += rowsPerRequest) {
    slices.push(readSlice(bus, result, from, Math.min(channels.length, from + rowsPerRequest), { mode, deadlineMs, hosts }));
  }
  await Promise.all(slices);
  return result;
}

async function readSlice(bus: Bus, result: ValueColumns, from: number, to: number, { mode, deadlineMs, hosts }: ReadLiveOptions): Promise<void> {
  const asked = emptyValueColumns(to - from);
  asked.channel.set(result.channel.subarray(from, to));
  const request = encodeFrame({ mode, deadlineMs } satisfies LiveRead, asked);
  const answers = await bus.requestMany(subjects.liveRead, request, { expect: hosts.length, timeoutMs: deadlineMs + graceMs });
  // With every host heard, a row that none of them has is watched by nobody; otherwise by the silent one.
  result.outcome.fill(answers.length >= hosts.length ? ReadOutcome.notOwned : ReadOutcome.hostLost, from, to);
  const rowOf = new Map<number, number>();
  for (let row = from; row < to; row++) rowOf.set(result.channel[row]!, row);
  for (const answer of answers) {
    const { columns } = decodeFrame<LiveAnswer>(answer);
    for (let i = 0; i < columns.length; i++) {
      const row = rowOf.get(columns.channel[i]!);
      if (row === undefined || columns.outcome[i] === ReadOutcome.notOwned) continue;
      // While a channel moves two hosts may know it: a value is better than a reason for none.
      if (result.outcome[row] === ReadOutcome.ok && columns.outcome[i] !== ReadOutcome.ok) continue;
      copyValueRow(columns, i, result, row);
    }
  }
}

/** Descriptions by hash, of those that some host knows. */
export async function describe(bus: Bus, hashes: Iterable<bigint>, options: { hosts: readonly string[]; timeoutMs?: number }): Promise<Map<bigint, ChannelMeta>> {
  const wanted = [...new Set(hashes)].filter((hash) => hash !== 0n);
  const found = new Map<bigint, ChannelMeta>();
  if (wanted.length === 0 || options.hosts.length === 0) return found;
  const request: DescribeRequest = { hashes: wanted.map(String) };
  const answers = await bus.requestMany(subjects.liveDescribe, json.encode(request), { expect: options.hosts.length, timeoutMs: options.timeoutMs ?? 2_000 });
  for (const answer of answers) {
    const { metas } = JSON.parse(new TextDecoder().decode(answer), reviveMeta) as { metas: Record<string, ChannelMeta> };
    for (const [hash, meta] of Object.entries(metas)) found.set(BigInt(hash), meta);
  }
  return found;
}
