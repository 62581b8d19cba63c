/** A channel that has come to life, as the shared columns show it. */
import { ValueKind } from '../../../contracts/values.ts';
import { ChannelState } from '../../columns.ts';
import { kindOfNative, Native } from '../protocol/dbr.ts';
import { ChannelFlag } from './channel-flags.ts';
import type { ThreadContext } from './context.ts';

/** Returns the channel's flags. */
export function showConnected(context: ThreadContext, row: number, channel: { native: number; elements: number; access: number }): number {
  const { columns, nameOf, monitored } = context;
  const { native, elements, access } = channel;
  const longText = native === Native.char && nameOf.get(row)!.endsWith('$');
  const array = !longText && elements > 1;
  columns.updates[row] = 0;
  columns.timeNs[row] = 0n;
  columns.num[row] = 0;
  columns.severity[row] = 0;
  columns.status[row] = 0;
  columns.metaHash[row] = 0n;
  columns.elements[row] = longText ? 1 : elements;
  columns.kind[row] = longText ? ValueKind.text : kindOfNative[native]!;
  columns.access[row] = access;
  columns.state[row] = ChannelState.connected;
  return (monitored[row] === 1 ? ChannelFlag.monitored : 0) | (longText ? ChannelFlag.longText : 0) | (array ? ChannelFlag.array : 0);
}
