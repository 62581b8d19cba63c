/**
 * Scattered reads: one work item per IOC through the work queue, answers as frames on an inbox. A host
 * that does not answer, or an IOC that hangs, costs its own rows one deadline and nobody else anything (I1).
 */
import { DreyError } from '../contracts/errors.ts';
import { DamagedFrame, decodeFrame, encodeLeanFrame } from '../contracts/frame.ts';
import type { SnapshotMode } from '../contracts/snapshots.ts';
import { subjects } from '../contracts/subjects.ts';
import { emptyValueColumns, ReadOutcome, type ValueColumns } from '../contracts/values.ts';
import type { ReadAnswer, ReadItem } from '../contracts/work.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Log } from '../kernel/log.ts';
import { createGathering, type ReadTarget } from './gathering.ts';
import type { Bus } from './port.ts';

/** What an answer may take beyond the deadline of the reads. */
const graceMs = 1_000;
/** Larger items are cut, so that an answer's parts come while others are still being read. */
const rowsPerItem = 10_000;

export interface ScatterOptions {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly log: Log;
  readonly job: string;
  readonly run: number;
  readonly mode: SnapshotMode;
  readonly deadlineMs: number;
  readonly channels: Int32Array;
  /** Who is to read which channels, by what is known now; every channel in one target. */
  place(channels: Int32Array): Promise<readonly ReadTarget[]>;
  isLive(host: string): boolean;
  /** Called for every row exactly once, in parts. */
  onPart(part: ScatterPart, columns: ValueColumns): void;
  readonly signal: AbortSignal;
}

export interface ScatterPart {
  readonly ioc: string | null;
  readonly startedAt: number | null;
  readonly finishedAt: number | null;
  readonly iocProblem: string | null;
}

/** Resolves when every row was handed on. Rejects with `unavailable` when the bus failed meanwhile, with `cancelled` at the signal. */
export async function scatterReads(options: ScatterOptions): Promise<void> {
  const { bus, clock, job, run, mode, deadlineMs, signal } = options;
  const gathering = createGathering(run);
  const replyTo = bus.inbox();
  let settle: { resolve(): void; reject(fault: unknown): void } | undefined;

  const subscription = bus.subscribe(replyTo, (message) => {
    try {
      const { head, columns } = decodeFrame<ReadAnswer>(message.body);
      if (head.job !== job) return;
      const kept = gathering.part(head, columns);
      if (kept) options.onPart(head, kept);
      if (gathering.openItems().length === 0) settle?.resolve();
    } catch (fault) {
      // D1: a damaged answer is no answer; its rows end as unanswered.
      if (fault instanceof DamagedFrame) options.log.error({ job, err: fault }, 'an answer to a read is damaged');
      else settle?.reject(fault);
    }
  });
  const onState = bus.onState((state) => state !== 'connected' && settle?.reject(new DreyError('unavailable', 'the connection to NATS was lost while values were being gathered')));

  const round = async (channels: Int32Array): Promise<void> => {
    const targets = (await options.place(channels)).flatMap(sliced);
    const items = gathering.ask(targets).flatMap(({ item, target }) => (target.host === undefined ? [] : [{ item, target, host: target.host }]));
    if (items.length === 0) return;
    const expiresAt = clock.now() + deadlineMs + graceMs;
    await new Promise<void>((resolve, reject) => {
      const timer = clock.setTimeout(resolve, deadlineMs + graceMs);
      const abort = (): void => settle?.reject(new DreyError('cancelled', 'cancelled'));
      const end = (then: () => void) => (): void => {
        settle = undefined;
        clock.clearTimeout(timer);
        signal.removeEventListener('abort', abort);
        then();
      };
      settle = { resolve: end(resolve), reject: (fault) => end(() => reject(fault as Error))() };
      if (signal.aborted) return abort();
      signal.addEventListener('abort', abort);
      const publish = items.map(({ item, target, host }) => {
        const head: ReadItem = { kind: 'read', job, item, run, ioc: target.ioc, mode, deadlineMs, expiresAt, replyTo };
        const columns = emptyValueColumns(target.channels.length);
        columns.channel.set(target.channels);
        return bus.store(subjects.work(host, 'read'), encodeLeanFrame(head, columns), { id: `${job}/${run}/${item}` });
      });
      Promise.all(publish).catch((fault: unknown) => settle?.reject(fault));
    });
    settle = undefined;
  };

  try {
    await round(options.channels);
    const moved = gathering.takeMoved();
    if (moved.length > 0) {
      options.log.info({ job, channels: moved.length }, 'channels have moved to another host, asking there');
      await round(moved);
    }
    const silent = ({ host }: ReadTarget): boolean => host !== undefined && options.isLive(host);
    for (const { target, columns } of gathering.close((target) => (silent(target) ? ReadOutcome.timeout : ReadOutcome.hostLost))) {
      const reason = target.host === undefined ? 'no ioc-host is running'
        : silent(target) ? `the ioc-host ${target.host} did not answer within ${deadlineMs + graceMs} ms`
        : `the ioc-host ${target.host} is gone`;
      options.onPart({ ioc: target.ioc, startedAt: null, finishedAt: null, iocProblem: reason }, columns);
    }
  } finally {
    onState();
    await subscription.stop();
  }
}

function sliced(target: ReadTarget): ReadTarget[] {
  const slices: ReadTarget[] = [];
  for (let from = 0; from < target.channels.length; from += rowsPerItem) {
    slices.push({ ...target, channels: target.channels.subarray(from, from + rowsPerItem) });
  }
  return slices;
}
