/**
 * The channels of one IOC: an actor of its own logic that keeps one life per channel in a Map. A channel
 * is no actor by itself: it has no code that could fail and nothing to say, and an XState child costs
 * 1.9 KB and 10 us before it does anything, 50,000 times (docs/decisions/0007-channels-are-rows.md).
 *
 * The Map and the counts are changed in place: they are tables, not state. No guard may read them, and
 * nobody persists them.
 */
import type { ActorLogic, ActorRefFrom, EventObject, Snapshot } from 'xstate';
import type { ChannelColumns } from '../../channel-access/columns.ts';
import { phaseOf, phases, type ChannelLife, type Phase } from './channel.ts';

export type ChannelSetEvent =
  | { readonly type: 'channels.join'; readonly rows: Int32Array }
  | { readonly type: 'channels.leave'; readonly rows: Int32Array }
  /** Facts from the wire; without `rows` for every channel of the set. */
  | { readonly type: 'ca.found'; readonly rows: Int32Array }
  | { readonly type: 'ca.connected'; readonly rows: Int32Array }
  | { readonly type: 'ca.access'; readonly rows: Int32Array }
  | { readonly type: 'ca.disconnected'; readonly rows?: Int32Array }
  /** The supervisor's net for a parent that died without stopping its children. */
  | { readonly type: 'supervisor.stop' };

export interface ChannelSetTable {
  readonly channels: Map<number, ChannelLife>;
  /** Channels by phase, in the order of {@link phases}. */
  readonly counts: Int32Array;
}

export type ChannelSetSnapshot = Snapshot<undefined> & { context: ChannelSetTable };
export type ChannelSetLogic = ActorLogic<ChannelSetSnapshot, ChannelSetEvent, { rows: Int32Array }>;
export type ChannelSetRef = ActorRefFrom<ChannelSetLogic>;

const indexOf = Object.fromEntries(phases.map((phase, index) => [phase, index])) as Record<Phase, number>;

export function createChannelSet(columns: ChannelColumns, now: () => number): ChannelSetLogic {
  /** One life per phase, shared by all channels of a batch. */
  const livesAt = (since: number) => Object.fromEntries(phases.map((phase) => [phase, { phase, since }])) as Record<Phase, ChannelLife>;
  const phaseNow = (row: number): Phase => phaseOf(columns.state[row]!, columns.access[row]!);

  const join = ({ channels, counts }: ChannelSetTable, rows: Int32Array): void => {
    const lives = livesAt(now());
    for (const row of rows) {
      if (channels.has(row)) continue;
      const phase = phaseNow(row);
      channels.set(row, lives[phase]);
      counts[indexOf[phase]]!++;
    }
  };
  const leave = ({ channels, counts }: ChannelSetTable, rows: Int32Array): void => {
    for (const row of rows) {
      const life = channels.get(row);
      if (!life) continue;
      counts[indexOf[life.phase]]!--;
      channels.delete(row);
    }
  };
  /** A channel that is in that phase already keeps its time; one that is not of the set is ignored. */
  const enter = ({ channels, counts }: ChannelSetTable, rows: Iterable<number>, phaseFor: (row: number) => Phase): void => {
    const lives = livesAt(now());
    for (const row of rows) {
      const life = channels.get(row);
      if (!life) continue;
      const phase = phaseFor(row);
      if (phase === life.phase) continue;
      channels.set(row, lives[phase]);
      counts[indexOf[life.phase]]!--;
      counts[indexOf[phase]]!++;
    }
  };

  return {
    getInitialSnapshot: (_, { rows }) => {
      const table: ChannelSetTable = { channels: new Map(), counts: new Int32Array(phases.length) };
      join(table, rows);
      return { status: 'active', output: undefined, error: undefined, context: table };
    },
    transition: (snapshot, event) => {
      const table = snapshot.context;
      const incoming = event as ChannelSetEvent | (EventObject & { type: 'xstate.stop' });
      switch (incoming.type) {
        case 'channels.join':
          join(table, incoming.rows);
          break;
        case 'channels.leave':
          leave(table, incoming.rows);
          break;
        case 'ca.found':
          enter(table, incoming.rows, () => 'searching');
          break;
        case 'ca.connected':
        case 'ca.access':
          // Access rights may have changed in either direction since the event was made: go by the columns.
          enter(table, incoming.rows, (row) => (phaseNow(row) === 'denied' ? 'denied' : 'connected'));
          break;
        case 'ca.disconnected':
          enter(table, incoming.rows ?? table.channels.keys(), () => 'disconnected');
          break;
        case 'supervisor.stop':
          clear(table);
          return { ...snapshot, status: 'done', output: undefined, error: undefined };
        case 'xstate.stop':
          clear(table);
          return { ...snapshot, status: 'stopped', output: undefined, error: undefined };
      }
      return snapshot;
    },
    getPersistedSnapshot: () => {
      throw new Error('a channel set is rebuilt from the wire, never persisted');
    },
  };
}

function clear({ channels, counts }: ChannelSetTable): void {
  channels.clear();
  counts.fill(0);
}

/** Counts by phase name, for people. */
export function countsOf(table: ChannelSetTable): Record<Phase, number> & { total: number } {
  const [searching, connected, disconnected, denied] = table.counts;
  return { total: table.channels.size, searching: searching!, connected: connected!, disconnected: disconnected!, denied: denied! };
}
