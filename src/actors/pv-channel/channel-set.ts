/**
 * The channels of one IOC: a small actor logic of our own that keeps its children in a Map. XState's
 * `spawnChild` and `stopChild` copy the parent's children object once per child, which makes an IOC
 * with a thousand channels take about a second to stop; this takes about a millisecond.
 *
 * It fans batches out, replaces a channel that failed (one for one), and stops all its channels when
 * it is stopped. The Map and the counts are changed in place: they are tables, not state. No guard
 * may read them, and nobody persists them.
 */
import { createActor, type ActorLogic, type ActorRefFrom, type ActorScope, type ActorSystem, type EventObject, type Snapshot } from 'xstate';
import type { ChannelColumns } from '../../channel-access/columns.ts';
import { channelLogic, phaseOf, phases, type ChannelEvent, type ChannelRef, type Phase } from './channel.ts';

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

type Incoming = ChannelSetEvent | { type: 'xstate.stop' } | { type: `xstate.error.actor.${string}`; actorId: string; error: unknown };

export interface ChannelSetTable {
  readonly channels: Map<number, ChannelRef>;
  /** Channels by phase, in the order of {@link phases}. */
  readonly counts: Int32Array;
  /** Channel actors that failed and were replaced. */
  replaced: number;
}

export type ChannelSetSnapshot = Snapshot<undefined> & { context: ChannelSetTable };
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- XState's own AnyActorSystem, which it does not export
type Scope = ActorScope<ChannelSetSnapshot, ChannelSetEvent, ActorSystem<any>, EventObject>;
export type ChannelSetLogic = ActorLogic<ChannelSetSnapshot, ChannelSetEvent, { rows: Int32Array }>;
export type ChannelSetRef = ActorRefFrom<ChannelSetLogic>;

export function createChannelSet(columns: ChannelColumns, now: () => number): ChannelSetLogic {
  const indexOf = (ref: ChannelRef): number => phases.indexOf(ref.getSnapshot().context.phase);

  const make = (table: ChannelSetTable, scope: Scope, row: number): ChannelRef => {
    const phase = phaseOf(columns.state[row]!, columns.access[row]!);
    const ref = createActor(channelLogic, { parent: scope.self, id: String(row), input: { phase, since: now() } });
    table.channels.set(row, ref);
    table.counts[phases.indexOf(phase)]!++;
    return ref;
  };
  const drop = (table: ChannelSetTable, scope: Scope, row: number): void => {
    const ref = table.channels.get(row);
    if (!ref) return;
    table.counts[indexOf(ref)]!--;
    table.channels.delete(row);
    scope.stopChild(ref);
  };
  const tell = (table: ChannelSetTable, ref: ChannelRef | undefined, event: ChannelEvent): void => {
    if (!ref) return;
    table.counts[indexOf(ref)]!--;
    ref.send(event);
    table.counts[indexOf(ref)]!++;
  };
  const tellAll = (table: ChannelSetTable, rows: Int32Array | undefined, event: ChannelEvent): void => {
    if (rows) for (const row of rows) tell(table, table.channels.get(row), event);
    else for (const ref of table.channels.values()) tell(table, ref, event);
  };
  const stopAll = (table: ChannelSetTable, scope: Scope): void => {
    for (const ref of table.channels.values()) scope.stopChild(ref);
    table.channels.clear();
    table.counts.fill(0);
  };

  return {
    getInitialSnapshot: (scope, { rows }) => {
      const table: ChannelSetTable = { channels: new Map(), counts: new Int32Array(phases.length), replaced: 0 };
      for (const row of rows) make(table, scope, row);
      return { status: 'active', output: undefined, error: undefined, context: table };
    },
    start: (snapshot) => {
      for (const ref of snapshot.context.channels.values()) ref.start();
    },
    transition: (snapshot, event, scope) => {
      const table = snapshot.context;
      const incoming = event as Incoming;
      switch (incoming.type) {
        case 'channels.join':
          for (const row of incoming.rows) if (!table.channels.has(row)) make(table, scope, row).start();
          break;
        case 'channels.leave':
          for (const row of incoming.rows) drop(table, scope, row);
          break;
        case 'ca.found':
          tellAll(table, incoming.rows, { type: 'ca.searching', at: now() });
          break;
        case 'ca.connected':
        case 'ca.access': {
          // Access rights may have changed in either direction since the event was made: go by the columns.
          const at = now();
          const connected: ChannelEvent = { type: 'ca.connected', at };
          const denied: ChannelEvent = { type: 'ca.denied', at };
          for (const row of incoming.rows) {
            const phase = phaseOf(columns.state[row]!, columns.access[row]!);
            tell(table, table.channels.get(row), phase === 'denied' ? denied : connected);
          }
          break;
        }
        case 'ca.disconnected':
          tellAll(table, incoming.rows, { type: 'ca.disconnected', at: now() });
          break;
        case 'supervisor.stop':
          stopAll(table, scope);
          return { ...snapshot, status: 'done', output: undefined, error: undefined };
        case 'xstate.stop':
          stopAll(table, scope);
          return { ...snapshot, status: 'stopped', output: undefined, error: undefined };
        default:
          if (incoming.type.startsWith('xstate.error.actor.')) replace(table, scope, Number(incoming.actorId));
      }
      return snapshot;
    },
    getPersistedSnapshot: () => {
      throw new Error('a channel set is rebuilt from the wire, never persisted');
    },
  };

  function replace(table: ChannelSetTable, scope: Scope, row: number): void {
    if (!table.channels.has(row)) return;
    drop(table, scope, row);
    make(table, scope, row).start();
    table.replaced++;
  }
}

/** Counts by phase name, for people. */
export function countsOf(table: ChannelSetTable): Record<Phase, number> & { total: number } {
  const [searching, connected, disconnected, denied] = table.counts;
  return { total: table.channels.size, searching: searching!, connected: connected!, disconnected: disconnected!, denied: denied! };
}
