import { ReadOutcome } from '../../contracts/values.ts';
import { ChannelState } from '../columns.ts';

/** The outcome of a read that cannot be asked because of where its channel stands. */
export function outcomeOfState(state: number): ReadOutcome {
  return state === ChannelState.free || state === ChannelState.searching ? ReadOutcome.notFound : ReadOutcome.disconnected;
}
