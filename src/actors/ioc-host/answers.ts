/** What an ioc-host answers at once: live values, descriptions, its IOCs, and operators' orders. */
import { z } from 'zod';
import { json, type Bus, type Subscription } from '../../bus/port.ts';
import type { ChannelAccess } from '../../channel-access/port.ts';
import { DreyError } from '../../contracts/errors.ts';
import { checkInput } from '../../contracts/input-faults.ts';
import { decodeFrame, encodeFrame } from '../../contracts/frame.ts';
import { iocCommand, type ChannelView } from '../../contracts/iocs.ts';
import { subjects } from '../../contracts/subjects.ts';
import { copyValueRow, emptyValueColumns, joinValueColumns, ReadOutcome } from '../../contracts/values.ts';
import { metaToText } from '../../contracts/meta-text.ts';
import type { DescribeRequest, LiveAnswer, LiveRead } from '../../contracts/work.ts';
import type { OperatorOrder } from '../ioc-supervisor/index.ts';
import { gather, type GatherDeps } from './gather.ts';
import type { Orders } from './orders.ts';
import { partsOf } from './parts.ts';

export interface AnswerDeps extends GatherDeps {
  readonly bus: Bus;
  readonly host: string;
  readonly channelAccess: ChannelAccess;
  readonly orders: Pick<Orders, 'keep'>;
  readonly counted: (outcomes: Uint8Array) => void;
}

const command = iocCommand.extend({ ioc: z.string(), who: z.string().min(1), until: z.number().optional() });

export function answerRequests(deps: AnswerDeps): Subscription {
  const { bus, host, facility, table, channelAccess } = deps;
  const encoder = (answer: unknown): Uint8Array => json.encode(answer);

  const subscriptions = [
    bus.answer(subjects.liveRead, async (body) => {
      const { head, columns: asked } = decodeFrame<LiveRead>(body);
      // Others answer for the rest. One that holds none says so: the asker counts hosts.
      const ids = asked.channel.filter((id) => table.rowOf(id) >= 0);
      const answers = (await gather(deps, ids, head.deadlineMs, head.mode)).map((answer) => answer.columns);
      const columns = joinValueColumns(answers);
      deps.counted(columns.outcome);
      const frame = encodeFrame({ host } satisfies LiveAnswer, fitting(columns, bus.maxPayload));
      for (const answer of answers) channelAccess.recycle(answer);
      return frame;
    }),

    bus.answer(subjects.liveDescribe, async (body) => {
      const { hashes } = json.decode<DescribeRequest>(body);
      const known = hashes.flatMap((hash) => {
        const meta = channelAccess.meta(BigInt(hash));
        return meta ? [`${JSON.stringify(hash)}:${metaToText(meta)}`] : [];
      });
      return new TextEncoder().encode(`{"metas":{${known.join(',')}}}`);
    }),

    bus.answer(subjects.hostIocs, async (body) => {
      const { ioc } = json.decode<{ ioc?: string }>(body);
      if (ioc === undefined) return encoder({ host, iocs: facility.views() });
      const view = facility.view(ioc);
      if (!view) return encoder({ host, iocs: [] });
      return encoder({ host, iocs: [view], channels: channelViews(ioc) });
    }),

    // Only the owner answers; who does not know the IOC stays silent.
    bus.answer(subjects.hostCommand, async (body) => {
      const { data, faults } = checkInput(command, json.decode<unknown>(body));
      if (data === undefined) throw new DreyError('badInput', 'an IOC command needs ioc, command, reason and who', { faults });
      const { ioc, command: order, reason, who, until } = data;
      const given: OperatorOrder = { type: `operator.${order}`, who, why: reason, ...(until === undefined ? {} : { until }) };
      // In force first, kept second: an operator who opens a breaker is in a hurry.
      if (!facility.order(ioc, given)) return undefined;
      await deps.orders.keep(ioc, given);
      return encoder(facility.view(ioc));
    }),
  ];

  return {
    stop: async () => {
      await Promise.all(subscriptions.map((subscription) => subscription.stop()));
    },
  };

  function channelViews(ioc: string): ChannelView[] {
    const views: ChannelView[] = [];
    for (const [row, { phase, since }] of facility.channels(ioc)) {
      const name = table.name(table.idOf(row));
      if (name !== undefined) views.push({ name, state: phase, since: new Date(since).toISOString() });
    }
    return views;
  }
}

/** One answer is one message: rows with arrays that do not fit beside the others say so (S1). */
function fitting(columns: ReturnType<typeof emptyValueColumns>, limit: number) {
  const [first] = partsOf(columns, limit, limit);
  if (first!.to === columns.length) return columns;
  const kept = emptyValueColumns(columns.length);
  for (let row = 0; row < columns.length; row++) {
    copyValueRow(columns, row, kept, row);
    if (row < first!.to || !(columns.bytes.has(row) || columns.text.has(row))) continue;
    kept.outcome[row] = ReadOutcome.tooLarge;
    kept.bytes.delete(row);
    kept.text.delete(row);
    kept.rawText.delete(row);
  }
  return kept;
}
