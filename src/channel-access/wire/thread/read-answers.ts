/** What a read of one IOC is answered with. */
import type { ReadOutcome } from '../../../contracts/values.ts';
import { ChannelState } from '../../columns.ts';
import { outcomeOfState } from '../outcome-of-state.ts';
import { blankColumns, type PackedColumns, type PackedValues, transfersOf } from '../packed-values.ts';
import type { ThreadContext } from './context.ts';

export function answerRead({ outbox }: Pick<ThreadContext, 'outbox'>, id: number, values: PackedValues): void {
  outbox.report({ is: 'read', id, values }, transfersOf(values));
}

/** Answers rows that were never asked: each from its channel's state, connected ones with `outcome`. */
export function answerUnasked(context: Pick<ThreadContext, 'columns' | 'outbox'>, id: number, into: PackedValues, outcome: ReadOutcome): void {
  const columns = blankColumns(into);
  columns.channel.forEach((row, i) => {
    const state = context.columns.state[row] ?? ChannelState.free;
    columns.outcome[i] = state === ChannelState.connected ? outcome : outcomeOfState(state);
  });
  answerRead(context, id, { ...into, heap: undefined });
}

/** S1: a row without a value has no part of one either. */
export function clearValue(columns: PackedColumns, i: number): void {
  columns.kind[i] = 0;
  columns.num[i] = 0;
  columns.status[i] = 0;
  columns.severity[i] = 0;
  columns.timeNs[i] = 0n;
  columns.metaHash[i] = 0n;
}
