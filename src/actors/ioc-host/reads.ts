/** Serves read items: one scatter slice in, the answer's parts out on the reply subject, then the acknowledgement. */
import type { Bus, WorkMessage } from '../../bus/port.ts';
import type { ChannelAccess } from '../../channel-access/port.ts';
import { decodeFrame, encodeLeanFrame } from '../../contracts/frame.ts';
import { sliceValueColumns } from '../../contracts/values.ts';
import type { ReadAnswer, ReadItem } from '../../contracts/work.ts';
import type { Log } from '../../kernel/log.ts';
import { gather, type GatherDeps } from './gather.ts';
import { partsOf } from './parts.ts';

/** Parts this small keep the coordinator's work in even pieces. */
export const partBytes = 900_000;

export interface ReadServerDeps extends GatherDeps {
  readonly bus: Bus;
  readonly channelAccess: Pick<ChannelAccess, 'recycle'>;
  readonly host: string;
  readonly log: Log;
  readonly counted: (rows: Uint8Array) => void;
}

export function createReadServer(deps: ReadServerDeps): (message: WorkMessage) => Promise<void> {
  const { bus, channelAccess, host, now, log } = deps;
  let last: Promise<void> = Promise.resolve();
  /** Each item in a turn of the loop of its own: the items of a job come all at once, and the first answer should be on its way before the last is made. */
  const turn = (): Promise<void> => (last = last.then(() => new Promise((resolve) => setImmediate(resolve))));
  return async (message) => {
    await turn();
    const { head: item, columns: asked } = decodeFrame<ReadItem>(message.body);
    if (now() >= item.expiresAt) {
      log.info({ job: item.job, item: item.item, lateMs: now() - item.expiresAt }, 'nobody waits for this read any more, dropped');
      return;
    }
    const answers = (await gather(deps, asked.channel, item.deadlineMs, item.mode)).map((answer) => {
      deps.counted(answer.columns.outcome);
      return { ...answer, ranges: partsOf(answer.columns, Math.min(partBytes, bus.maxPayload), bus.maxPayload) };
    });
    const parts = answers.reduce((sum, { ranges }) => sum + ranges.length, 0);
    let part = 0;
    for (const { ioc, columns, ranges, startedAt, finishedAt, breaker, problem } of answers) {
      for (const { from, to } of ranges) {
        const head: ReadAnswer = { job: item.job, item: item.item, run: item.run, part, parts, ioc: ioc ?? null, host, startedAt, finishedAt, breaker, iocProblem: problem };
        bus.publish(item.replyTo, encodeLeanFrame(head, ranges.length === 1 ? columns : sliceValueColumns(columns, from, to)));
        part += 1;
      }
      // The messages have copies.
      channelAccess.recycle(columns);
    }
  };
}
