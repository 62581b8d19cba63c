import { emptyValueColumns, ReadOutcome, ValueKind, type ValueColumns } from '../../src/contracts/values.ts';

/** One double per channel. */
export function doubles(channels: ArrayLike<number>, valueOf: (i: number) => number): ValueColumns {
  const columns = emptyValueColumns(channels.length);
  columns.channel.set(channels);
  columns.outcome.fill(ReadOutcome.ok);
  columns.kind.fill(ValueKind.double);
  for (let i = 0; i < channels.length; i++) columns.num[i] = valueOf(i);
  return columns;
}
