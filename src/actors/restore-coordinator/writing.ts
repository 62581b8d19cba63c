/**
 * Publishes the work items and follows their log until every row has its outcome. May be begun again at any
 * time: items carry ids under which the queue drops a second one, hosts skip what was attempted (R2).
 */
import type { Bus } from '../../bus/port.ts';
import { DamagedFrame, decodeFrame, encodeLeanFrame } from '../../contracts/frame.ts';
import { streams, subjects } from '../../contracts/subjects.ts';
import type { ValueColumns } from '../../contracts/values.ts';
import { mostRowsAtOnce, type RestoreLogEntry, type WriteItem } from '../../contracts/work.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { Log } from '../../kernel/log.ts';
import { readDeadlineMs, writeItemOf } from './compose.ts';
import { rowsByItem, type KeptPlan } from './kept-plan.ts';
import { createLedger, itemsToClose, type Ledger } from './ledger.ts';

export interface WritingOptions {
  readonly bus: Bus;
  readonly clock: Clock;
  readonly log: Log;
  readonly plan: KeptPlan;
  readonly target: ValueColumns;
  readonly common: Pick<WriteItem, 'job' | 'deadlineMs' | 'window' | 'who' | 'reason'>;
  /** Some items may be published, or done, already. */
  readonly resumed: boolean;
  isLive(host: string): boolean;
  isCancelled(): boolean;
  onProgress(ledger: Ledger): void;
}

export interface Writing {
  /** Rejects with `unavailable` when the items could not be published. */
  readonly settled: Promise<Ledger>;
  /** Looks at once for items that nobody will finish. */
  hurry(): void;
  stop(): void;
}

const sweepMs = 1_000;

export function startWriting(options: WritingOptions): Writing {
  const { bus, clock, log, plan, target, common } = options;
  const ledger = createLedger(plan);
  const rows = rowsByItem(plan);
  const sliceMs = Math.ceil(mostRowsAtOnce / common.window) * common.deadlineMs + readDeadlineMs + 10_000;
  let stopped = false;
  let timer: unknown;
  let stopFollowing = (): void => {};
  let settle: (ledger: Ledger) => void;
  let fail: (fault: unknown) => void;
  const settled = new Promise<Ledger>((resolve, reject) => {
    settle = resolve;
    fail = reject;
  });

  const apply = (body: Uint8Array): void => {
    try {
      const { head, columns } = decodeFrame<RestoreLogEntry>(body);
      if (!ledger.apply(head, columns)) log.error({ job: common.job, entry: head }, 'an entry of the restore log fits no item of the plan');
    } catch (fault) {
      if (!(fault instanceof DamagedFrame)) throw fault;
      log.error({ job: common.job, err: fault }, 'an entry of the restore log is damaged');
    }
  };
  const look = (): void => {
    if (stopped) return;
    options.onProgress(ledger);
    if (ledger.openItems().length > 0) return;
    stop();
    settle(ledger);
  };
  const closing = new Set<number>();
  const awaySince = new Map<string, number>();
  const awayMs = (host: string): number => {
    if (options.isLive(host)) awaySince.delete(host);
    else if (!awaySince.has(host)) awaySince.set(host, clock.now() - 1);
    return clock.now() - (awaySince.get(host) ?? clock.now());
  };
  const sweep = (): void => {
    clock.clearTimeout(timer);
    if (stopped) return;
    timer = clock.setTimeout(sweep, sweepMs);
    if (bus.state !== 'connected') return;
    for (const { item, why } of itemsToClose(plan, ledger, { now: clock.now(), awayMs, cancelled: options.isCancelled(), sliceMs })) {
      if (closing.has(item)) continue;
      closing.add(item);
      log.warn({ job: common.job, item, host: plan.items[item]!.host, ioc: plan.items[item]!.ioc, why }, 'a work item of a restore is given up');
      // Its place in the log decides what was attempted before it; the ledger hears of it from there.
      const entry: RestoreLogEntry = { kind: 'closed', job: common.job, item, why, at: clock.now() };
      bus.store(subjects.restoreLog(common.job, item), encodeLeanFrame(entry), { id: `${common.job}/${item}/closed` }).catch(() => closing.delete(item));
    }
  };
  const stop = (): void => {
    stopped = true;
    clock.clearTimeout(timer);
    stopFollowing();
  };

  const begin = async (): Promise<void> => {
    if (options.resumed) for (const { body } of await bus.readLog(streams.restoreLog, subjects.restoreLog(common.job, '*'))) apply(body);
    const following = await bus.followLog(streams.restoreLog, subjects.restoreLog(common.job, '*'), ({ body }) => {
      apply(body);
      look();
    });
    stopFollowing = () => void following.stop();
    if (stopped) return stopFollowing();
    timer = clock.setTimeout(sweep, sweepMs);
    await Promise.all(
      ledger.openItems().map((number) => {
        const { head, columns } = writeItemOf(plan, rows[number]!, number, target, common);
        return bus.store(subjects.work(plan.items[number]!.host, 'write'), encodeLeanFrame(head, columns), { id: `${common.job}/${number}` });
      }),
    );
    look();
  };
  begin().catch((fault: unknown) => {
    stop();
    fail(fault);
  });
  return { settled, hurry: sweep, stop };
}
