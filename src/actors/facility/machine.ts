/**
 * The supervisor of all IOC actors of one ioc-host. One for one: what happens to one IOC actor is no
 * other's business. It also owns the unresolved set, the channels that no IOC has answered for yet.
 *
 * Traps of XState that are honoured here: a child that ended stays in `children` until `stopChild`;
 * a child that threw leaves its own children running, so they are told to stop; ids hold dots, so
 * only one-level wildcards and `actorId` are used; a second spawn under a used id would orphan the first.
 */
import { enqueueActions, setup, type AnyActorRef, type DoneActorEvent, type ErrorActorEvent } from 'xstate';
import type { IocMachine, OperatorOrder } from '../ioc-supervisor/index.ts';
import type { ChannelSetLogic, ChannelSetRef } from '../pv-channel/index.ts';
import { decideRestart, type RestartOptions } from './decide.ts';
import type { Move } from './roster.ts';

/** What the supervisor remembers of an IOC actor over its lives. */
export interface Supervised {
  readonly status: 'running' | 'restarting' | 'gaveUp';
  readonly failures: readonly number[];
  readonly restarts: number;
  /** Of the last failure. */
  readonly fault: string;
  readonly since: number;
  /** The operator's order in force, which a restart must not forget. */
  readonly order: OperatorOrder | null;
}

export interface FacilityContext {
  readonly iocs: ReadonlyMap<string, Supervised>;
}

export type FacilityEvent =
  /** Channels changed hands in the roster: tell those who keep them. */
  | { readonly type: 'channels.moved'; readonly to: string | null | undefined; readonly move: Move }
  | { readonly type: 'operator.order'; readonly ioc: string; readonly order: OperatorOrder }
  | { readonly type: 'ioc.restart'; readonly ioc: string }
  /** It has been without channels for a while. */
  | { readonly type: 'ioc.retire'; readonly ioc: string };

/** What XState says of a child that came to its end. */
type Ended = DoneActorEvent<{ fault: string }, string> | ErrorActorEvent<unknown, string>;

export interface FacilityDeps {
  readonly ioc: IocMachine;
  readonly channelSet: ChannelSetLogic;
  readonly rowsOf: (ioc: string | null) => Int32Array;
  readonly circuitUp: (ioc: string) => boolean;
  /** Kept from an earlier life or another host. */
  readonly orderOf: (ioc: string) => OperatorOrder | null;
  readonly now: () => number;
  readonly random: () => number;
  readonly restart: RestartOptions;
  readonly idleMs: number;
  /** An actor is gone: its turn to probe is free again. */
  readonly released: (ioc: string) => void;
  readonly noticed: (what: 'fault' | 'restart' | 'giveUp' | 'retired', ioc: string, reason: string) => void;
  /** One of the two above threw. Must not throw. */
  readonly broke: (error: unknown) => void;
}

export function createFacilityMachine(deps: FacilityDeps) {
  const { now } = deps;
  const newcomer = (order: OperatorOrder | null): Supervised => ({ status: 'running', failures: [], restarts: 0, fault: '', since: now(), order });

  const facility = setup({
    types: {} as { context: FacilityContext; events: FacilityEvent | Ended; children: { unresolved: 'channelSet' } & Record<string, 'channelSet' | 'ioc'> },
    actors: { ioc: deps.ioc, channelSet: deps.channelSet },
  });
  const put = (context: FacilityContext, ioc: string, entry: Supervised | undefined): FacilityContext => {
    const iocs = new Map(context.iocs);
    if (entry) iocs.set(ioc, entry);
    else iocs.delete(ioc);
    return { iocs };
  };
  // F1: what is told to others must not be able to end the supervisor of all.
  const safely = (run: () => void): void => {
    try {
      run();
    } catch (error) {
      deps.broke(error);
    }
  };
  const inputOf = (ioc: string, order: OperatorOrder | null) => ({ ioc, rows: deps.rowsOf(ioc), order, circuitUp: deps.circuitUp(ioc) });

  return facility.createMachine({
    id: 'facility',
    context: { iocs: new Map() },
    initial: 'supervising',
    states: {
      supervising: {
        invoke: {
          id: 'unresolved',
          src: 'channelSet',
          input: () => ({ rows: deps.rowsOf(null) }),
          // The set is rebuilt from the roster; IOC actors are not tied to this state and live on.
          onError: { target: 'supervising', reenter: true, actions: () => safely(() => deps.noticed('fault', 'unresolved', 'the unresolved set failed')) },
        },
        on: {
          'channels.moved': {
            actions: enqueueActions(({ context, event, enqueue }) => {
              for (const [from, rows] of event.move.left) {
                if (from === null || context.iocs.get(from)?.status === 'running') enqueue.sendTo(from ?? 'unresolved', { type: 'channels.leave', rows });
              }
              for (const ioc of event.move.emptied) enqueue.raise({ type: 'ioc.retire', ioc }, { id: `retire.${ioc}`, delay: deps.idleMs });
              const { to } = event;
              const { joined } = event.move;
              if (to === undefined || joined.length === 0) return;
              if (to === null) return enqueue.sendTo('unresolved', { type: 'channels.join', rows: joined });
              enqueue.cancel(`retire.${to}`);
              const known = context.iocs.get(to);
              if (known?.status === 'running') enqueue.sendTo(to, { type: 'channels.join', rows: joined });
              // One that is between two lives gets its channels from the roster when it starts.
              if (known) return;
              const order = deps.orderOf(to);
              enqueue.spawnChild('ioc', { id: to, input: inputOf(to, order) });
              enqueue.assign(put(context, to, newcomer(order)));
            }),
          },
          'operator.order': {
            actions: enqueueActions(({ context, event, enqueue }) => {
              const known = context.iocs.get(event.ioc);
              if (!known) return;
              const order = event.order.type === 'operator.close' ? null : event.order;
              if (known.status === 'running') {
                enqueue.sendTo(event.ioc, event.order);
                enqueue.assign(put(context, event.ioc, { ...known, order }));
              } else if (known.status === 'gaveUp') {
                enqueue.spawnChild('ioc', { id: event.ioc, input: inputOf(event.ioc, order) });
                enqueue.assign(put(context, event.ioc, { ...newcomer(order), restarts: known.restarts + 1 }));
              } else {
                enqueue.assign(put(context, event.ioc, { ...known, order }));
              }
            }),
          },
          'ioc.restart': {
            actions: enqueueActions(({ context, event, enqueue }) => {
              const known = context.iocs.get(event.ioc);
              if (known?.status !== 'restarting') return;
              enqueue.spawnChild('ioc', { id: event.ioc, input: inputOf(event.ioc, known.order) });
              enqueue.assign(put(context, event.ioc, { ...known, status: 'running', restarts: known.restarts + 1, since: now() }));
              enqueue(() => safely(() => deps.noticed('restart', event.ioc, known.fault)));
            }),
          },
          'ioc.retire': {
            actions: enqueueActions(({ context, event, enqueue }) => {
              const known = context.iocs.get(event.ioc);
              if (!known) return;
              if (known.status === 'running') enqueue.stopChild(event.ioc);
              enqueue.cancel(`restart.${event.ioc}`);
              enqueue.assign(put(context, event.ioc, undefined));
              enqueue(() => {
                safely(() => deps.released(event.ioc));
                safely(() => deps.noticed('retired', event.ioc, 'without channels'));
              });
            }),
          },
          // F1: a fault is a final state whose output is the reason...
          'xstate.done.actor.*': {
            actions: enqueueActions(({ context, event, enqueue }) => {
              const done = event as DoneActorEvent<{ fault: string }>;
              failed(context, done.actorId, done.output?.fault ?? 'ended', enqueue);
            }),
          },
          // ...and this is the net for an actor that threw all the same.
          'xstate.error.actor.*': {
            actions: enqueueActions(({ context, event, enqueue, self }) => {
              const broken = event as ErrorActorEvent;
              stopOrphans((self.getSnapshot() as { children: Record<string, AnyActorRef> }).children[broken.actorId]);
              failed(context, broken.actorId, broken.error instanceof Error ? broken.error.message : String(broken.error), enqueue);
            }),
          },
        },
      },
    },
  });

  function failed(context: FacilityContext, ioc: string, fault: string, enqueue: Enqueue): void {
    const known = context.iocs.get(ioc);
    if (!known) return;
    enqueue.stopChild(ioc);
    const { failures, verdict } = decideRestart(known.failures, now(), deps.random(), deps.restart);
    const status = verdict.kind === 'restart' ? 'restarting' : 'gaveUp';
    enqueue.assign(put(context, ioc, { ...known, status, failures, fault, since: now() }));
    if (verdict.kind === 'restart') enqueue.raise({ type: 'ioc.restart', ioc }, { id: `restart.${ioc}`, delay: verdict.delayMs });
    enqueue(() => {
      safely(() => deps.released(ioc));
      safely(() => deps.noticed(verdict.kind === 'restart' ? 'fault' : 'giveUp', ioc, fault));
    });
  }
}
export type FacilityMachine = ReturnType<typeof createFacilityMachine>;

interface Enqueue {
  (action: () => void): void;
  stopChild(id: string): void;
  assign(context: FacilityContext): void;
  raise(event: FacilityEvent, options: { id: string; delay: number }): void;
}

/** An actor that threw does not stop its children, and nobody above can: they have to stop themselves. */
function stopOrphans(dead: AnyActorRef | undefined): void {
  const children = (dead?.getSnapshot() as { children?: Record<string, ChannelSetRef> } | undefined)?.children;
  children?.['channels']?.send({ type: 'supervisor.stop' });
}
