/**
 * One IOC (CA server) as a supervised actor. The top-level states are its circuit breaker; it owns
 * its channels through one channel set. It decides whether an operation may go out; effects.ts does it.
 *
 * F1: no action throws. What an injected function throws becomes `ioc.fault`, which ends in the final
 * state `faulted`, so that the channels are stopped and the facility sees why.
 * I2: `op.ask` is answered within the same `send` in every state.
 */
import { assign, fromPromise, sendTo, setup } from 'xstate';
import { Access, ChannelState, type ChannelColumns } from '../../channel-access/columns.ts';
import { backoffMs } from '../../kernel/backoff.ts';
import { createChannelSet, type ChannelSetEvent, type ChannelSetRef } from '../pv-channel/index.ts';
import type { IocContext, IocInput, IocOutput } from './context.ts';
import { emptyWindow, probeRowsOf, record, refusalSentence, trips } from './decide.ts';
import type { IocEvent, OperatorOrder } from './events.ts';
import type { BreakerOptions } from './options.ts';

/** Timers above 2^31 ms fire at once, so longer holds are waited for a day at a time. */
const longestWaitMs = 86_400_000;

export interface IocDeps {
  readonly columns: ChannelColumns;
  readonly options: BreakerOptions;
  readonly now: () => number;
  /** In [0, 1). */
  readonly random: () => number;
  readonly probe: (ioc: string, rows: Int32Array, deadlineMs: number) => Promise<boolean>;
  /** Pauses and resumes the creation of channels on this IOC. */
  readonly allowConnect: (ioc: string, allowed: boolean) => void;
  /** The fleet-wide cap on probes. `release` is safe to call at any time. */
  readonly probes: { request(ioc: string, granted: () => void): void; release(ioc: string): void };
  /** For the board: the breaker or the circuit changed, or only channels. */
  readonly changed: (ioc: string, what: 'breaker' | 'channels') => void;
  readonly tripped: (ioc: string) => void;
}

export function createIocMachine(deps: IocDeps) {
  const { options, now } = deps;

  const machine = setup({
    types: {} as { context: IocContext; events: IocEvent; input: IocInput; output: IocOutput; children: { channels: 'channelSet' } },
    actors: {
      channelSet: createChannelSet(deps.columns, now),
      probe: fromPromise<boolean, { ioc: string; rows: Int32Array }>(({ input }) => deps.probe(input.ioc, input.rows, options.probeTimeoutMs)),
    },
    actions: {
      admit: guarded(({ context, event }, params: { state: 'closed' | 'observing' }) => {
        if (event.type === 'op.ask') event.answer({ go: true, generation: context.generation, state: params.state });
      }),
      refuse: guarded(({ context, event }, params: { state: 'open' | 'halfOpen' | 'forcedOpen' }) => {
        if (event.type !== 'op.ask') return;
        const { nextProbeAt, reason } = context;
        event.answer({ go: false, state: params.state, problem: refusalSentence(params.state, reason, nextProbeAt), nextProbeAt });
      }),
      countOk: assign({ window: ({ context }) => record(context.window, false) }),
      countFailure: assign({ window: ({ context }) => record(context.window, true) }),
      enter: assign(({ context }) => ({ generation: context.generation + 1, since: now() })),
      explain: assign((_, params: { reason: string }) => ({ reason: params.reason })),
      recover: assign(() => ({ window: emptyWindow(options.window), attempt: 0, nextProbeAt: null, order: null })),
      schedule: assign(({ context }) => ({
        order: null,
        nextProbeAt: now() + backoffMs(context.attempt, { baseMs: options.baseMs, maxMs: options.maxMs }, deps.random()),
      })),
      failAgain: assign({ attempt: ({ context }) => context.attempt + 1 }),
      startProbing: assign(() => ({ probesLeft: options.probes, nextProbeAt: null, order: null })),
      countProbe: assign({ probesLeft: ({ context }) => context.probesLeft - 1 }),
      obey: assign(({ event }) => ({ order: isOrder(event) ? event : null, nextProbeAt: null })),
      explainOrder: assign(({ context, event }) => (isOrder(event) ? { reason: orderSentence(event) } : context)),
      circuitUp: assign({ circuit: 'up' }),
      circuitDown: assign({ circuit: 'down' }),
      circuitSilent: assign({ circuit: 'unresponsive' }),
      remember: assign({ fault: ({ event }) => (event.type === 'ioc.fault' ? event.reason : 'unknown') }),
      hear: ({ context }) => void (context.table.heardAt = now()),
      tellChannels: sendTo('channels', ({ event }) => event as ChannelSetEvent),
      disconnectChannels: sendTo('channels', { type: 'ca.disconnected' } satisfies ChannelSetEvent),
      announce: guarded(({ context }) => deps.changed(context.ioc, 'breaker')),
      announceChannels: guarded(({ context }) => deps.changed(context.ioc, 'channels')),
      countTrip: guarded(({ context }) => deps.tripped(context.ioc)),
      pauseConnects: guarded(({ context }) => deps.allowConnect(context.ioc, false)),
      resumeConnects: guarded(({ context }) => deps.allowConnect(context.ioc, true)),
      requestProbe: guarded(({ context, self }) => deps.probes.request(context.ioc, () => self.send({ type: 'probe.granted' }))),
      releaseProbe: guarded(({ context }) => deps.probes.release(context.ioc)),
    },
    guards: {
      isLate: ({ context, event }) => (event.type === 'op.ok' || event.type === 'op.failed') && event.generation !== context.generation,
      isSilent: ({ event }) => event.type === 'op.failed' && event.silent,
      wouldTrip: ({ context }) => trips(record(context.window, true), options),
      isCircuitUp: ({ context }) => context.circuit === 'up',
      isCircuitDown: ({ context }) => context.circuit === 'down',
      wasForcedOpen: ({ context }) => context.order?.type === 'operator.open',
      wasObserving: ({ context }) => context.order?.type === 'operator.observe',
      hasEnd: ({ context }) => context.order?.until !== undefined,
      isOver: ({ context }) => (context.order?.until ?? Infinity) <= now(),
      isLastProbe: ({ context }) => context.probesLeft <= 1,
    },
    delays: {
      backoff: ({ context }) => Math.max(0, (context.nextProbeAt ?? now()) - now()),
      settle: options.settleMs,
      firstContact: options.firstContactMs,
      // The port keeps its deadline; this is the net under it.
      probeTimeout: options.probeTimeoutMs + 250,
      hold: ({ context }) => Math.min(longestWaitMs, Math.max(0, (context.order?.until ?? now()) - now())),
    },
  });

  return machine.createMachine({
    id: 'ioc',
    context: ({ input }) => ({
      ioc: input.ioc,
      window: emptyWindow(options.window),
      attempt: 0,
      generation: 0,
      since: now(),
      reason: input.order ? orderSentence(input.order) : 'watching since start',
      nextProbeAt: null,
      probesLeft: 0,
      circuit: input.circuitUp ? 'up' : 'down',
      order: input.order,
      fault: '',
      table: { heardAt: 0 },
    }),
    output: ({ context }) => ({ fault: context.fault }),
    invoke: {
      id: 'channels',
      src: 'channelSet',
      // The first event carries the input; the rows are not kept in context, the set owns them.
      input: ({ event }) => ({ rows: (event as unknown as { input: IocInput }).input.rows }),
      // A set that failed cannot be trusted with its channels: end, and be started afresh.
      onError: { target: '.faulted', actions: assign({ fault: ({ event }) => `the channel set failed: ${sentenceOf(event.error)}` }) },
    },
    initial: 'starting',
    on: {
      'ca.pulse': { actions: 'hear' },
      'ca.found': { actions: ['hear', 'tellChannels', 'announceChannels'] },
      'ca.connected': { actions: ['hear', 'tellChannels', 'announceChannels'] },
      'ca.access': { actions: ['hear', 'tellChannels', 'announceChannels'] },
      'ca.disconnected': { actions: ['tellChannels', 'announceChannels'] },
      'channels.join': { actions: ['tellChannels', 'announceChannels'] },
      'channels.leave': { actions: ['tellChannels', 'announceChannels'] },
      'ca.circuit.up': { actions: ['circuitUp', 'hear', 'announce'] },
      'ca.circuit.responsive': { actions: ['circuitUp', 'hear', 'announce'] },
      'ca.circuit.down': { actions: ['circuitDown', 'disconnectChannels', 'announce'] },
      'ca.circuit.unresponsive': { actions: ['circuitSilent', 'announce'] },
      'operator.open': { target: '.forcedOpen', actions: ['obey', 'explainOrder'] },
      'operator.observe': { target: '.observing', actions: ['obey', 'explainOrder'] },
      'operator.close': { target: '.closed', actions: ['recover', 'explainOrder'] },
      'ioc.fault': { target: '.faulted', actions: 'remember' },
    },
    states: {
      starting: {
        always: [{ guard: 'wasForcedOpen', target: 'forcedOpen' }, { guard: 'wasObserving', target: 'observing' }, { target: 'closed' }],
      },

      closed: {
        initial: 'choosing',
        entry: ['enter', 'releaseProbe', 'resumeConnects', 'announce'],
        on: {
          'op.ask': { actions: { type: 'admit', params: { state: 'closed' } } },
          'op.ok': [{ guard: 'isLate' }, { actions: ['countOk', 'hear'] }],
          'op.failed': [
            { guard: 'isLate' },
            { guard: 'isSilent', target: 'open', actions: ['countFailure', { type: 'explain', params: ({ event }) => ({ reason: event.reason }) }] },
            {
              guard: 'wouldTrip',
              target: 'open',
              actions: ['countFailure', { type: 'explain', params: ({ context, event }) => ({ reason: tripSentence(context, event.reason) }) }],
            },
            { actions: 'countFailure' },
          ],
          'ca.circuit.down': {
            target: 'open',
            actions: ['circuitDown', 'disconnectChannels', { type: 'explain', params: ({ event }) => ({ reason: `circuit down: ${event.reason}` }) }],
          },
          'ca.circuit.unresponsive': {
            target: 'open',
            actions: ['circuitSilent', 'countFailure', { type: 'explain', params: ({ event }) => ({ reason: `no answer to an echo, silent for ${event.silentMs} ms` }) }],
          },
        },
        states: {
          choosing: { always: [{ guard: 'isCircuitUp', target: 'serving' }, { target: 'awaiting' }] },
          serving: {},
          /** Known by name, not heard of since start: worth a moment, not for ever. */
          awaiting: {
            after: { firstContact: { target: '#ioc.open', actions: { type: 'explain', params: { reason: 'no circuit since start' } } } },
            on: {
              'ca.circuit.up': { target: 'serving', actions: ['circuitUp', 'hear', 'announce'] },
              'ca.circuit.responsive': { target: 'serving', actions: ['circuitUp', 'hear', 'announce'] },
            },
          },
        },
      },

      open: {
        initial: 'waiting',
        entry: ['enter', 'schedule', 'releaseProbe', 'pauseConnects', 'countTrip', 'announce'],
        on: { 'op.ask': { actions: { type: 'refuse', params: { state: 'open' } } } },
        states: {
          waiting: {
            after: { backoff: 'queued' },
            on: {
              'ca.circuit.up': { target: 'settling', actions: ['circuitUp', 'hear', 'announce'] },
              'ca.circuit.responsive': { target: 'settling', actions: ['circuitUp', 'hear', 'announce'] },
            },
          },
          /** The circuit is back: no waiting for the backoff, only for the dust. */
          settling: {
            after: { settle: 'queued' },
            on: {
              'ca.circuit.down': { target: 'waiting', actions: ['circuitDown', 'disconnectChannels', 'announce'] },
              'ca.circuit.unresponsive': { target: 'waiting', actions: ['circuitSilent', 'announce'] },
            },
          },
          /** For its turn among all IOCs that want a probe. */
          queued: { entry: 'requestProbe', on: { 'probe.granted': '#ioc.halfOpen' } },
        },
      },

      halfOpen: {
        initial: 'choosing',
        entry: ['enter', 'startProbing', 'resumeConnects', 'announce'],
        on: {
          'op.ask': { actions: { type: 'refuse', params: { state: 'halfOpen' } } },
          'ca.circuit.down': {
            target: 'open',
            actions: ['circuitDown', 'disconnectChannels', 'failAgain', { type: 'explain', params: ({ event }) => ({ reason: `circuit down: ${event.reason}` }) }],
          },
        },
        states: {
          choosing: { always: [{ guard: 'isCircuitDown', target: 'awaitingCircuit' }, { target: 'probing' }] },
          awaitingCircuit: {
            after: { probeTimeout: { target: '#ioc.open', actions: ['failAgain', { type: 'explain', params: { reason: 'no circuit' } }] } },
            on: { 'ca.circuit.up': { target: 'probing', actions: ['circuitUp', 'hear', 'announce'] } },
          },
          probing: {
            invoke: {
              src: 'probe',
              input: ({ context, self }) => ({ ioc: context.ioc, rows: probeRows(context, self.getSnapshot().children) }),
              onDone: [
                { guard: ({ event }) => !event.output, target: '#ioc.open', actions: ['failAgain', { type: 'explain', params: { reason: 'a probe got no answer' } }] },
                { guard: 'isLastProbe', target: '#ioc.closed.serving', actions: ['recover', 'circuitUp', { type: 'explain', params: { reason: 'probes were answered' } }] },
                { target: 'probing', reenter: true, actions: 'countProbe' },
              ],
              onError: {
                target: '#ioc.open',
                actions: ['failAgain', { type: 'explain', params: ({ event }) => ({ reason: `a probe failed: ${sentenceOf(event.error)}` }) }],
              },
            },
            after: { probeTimeout: { target: '#ioc.open', actions: ['failAgain', { type: 'explain', params: { reason: 'a probe timed out' } }] } },
          },
        },
      },

      /** By an operator's order: nothing goes out until it is lifted. */
      forcedOpen: {
        initial: 'choosing',
        entry: ['enter', 'releaseProbe', 'pauseConnects', 'announce'],
        on: { 'op.ask': { actions: { type: 'refuse', params: { state: 'forcedOpen' } } } },
        states: {
          choosing: { always: [{ guard: 'hasEnd', target: 'holding' }, { target: 'lasting' }] },
          lasting: {},
          holding: {
            after: {
              hold: [
                { guard: 'isOver', target: '#ioc.halfOpen', actions: { type: 'explain', params: { reason: 'the forced opening is over' } } },
                { target: 'holding', reenter: true },
              ],
            },
          },
        },
      },

      /** By an operator's order: everything goes out and is counted, nothing trips. */
      observing: {
        initial: 'choosing',
        entry: ['enter', 'releaseProbe', 'resumeConnects', 'announce'],
        on: {
          'op.ask': { actions: { type: 'admit', params: { state: 'observing' } } },
          'op.ok': [{ guard: 'isLate' }, { actions: ['countOk', 'hear'] }],
          'op.failed': [{ guard: 'isLate' }, { actions: 'countFailure' }],
          'ca.circuit.unresponsive': { actions: ['circuitSilent', 'countFailure', 'announce'] },
        },
        states: {
          choosing: { always: [{ guard: 'hasEnd', target: 'holding' }, { target: 'lasting' }] },
          lasting: {},
          holding: {
            after: {
              hold: [
                { guard: 'isOver', target: '#ioc.closed', actions: ['recover', { type: 'explain', params: { reason: 'the observation is over' } }] },
                { target: 'holding', reenter: true },
              ],
            },
          },
        },
      },

      faulted: { type: 'final', entry: 'releaseProbe' },
    },
  });

  function tripSentence(context: IocContext, reason: string): string {
    const { window } = context;
    return `${window.failures} of the last ${window.calls} operations failed, the limit is ${Math.round(options.rate * 100)} %: ${reason}`;
  }

  function probeRows(context: IocContext, children: { channels?: unknown }): Int32Array {
    const set = children.channels as ChannelSetRef | undefined;
    const { columns } = deps;
    const isSmall = (row: number): boolean =>
      columns.state[row] === ChannelState.connected && (columns.access[row]! & Access.read) !== 0 && columns.elements[row]! <= 1;
    return probeRowsOf(set?.getSnapshot().context.channels.keys() ?? [], isSmall, options.probeRows, context.attempt);
  }
}
export type IocMachine = ReturnType<typeof createIocMachine>;

interface ActionArguments {
  readonly context: IocContext;
  readonly event: IocEvent;
  readonly self: { send(event: IocEvent): void };
}

/** F1: an action that throws would leave the channels running without a parent. */
function guarded<P>(run: (args: ActionArguments, params: P) => void): (args: ActionArguments, params: P) => void {
  return (args, params) => {
    try {
      run(args, params);
    } catch (error) {
      args.self.send({ type: 'ioc.fault', reason: sentenceOf(error) });
    }
  };
}

function isOrder(event: IocEvent): event is OperatorOrder {
  return event.type === 'operator.open' || event.type === 'operator.close' || event.type === 'operator.observe';
}

function orderSentence({ type, who, why }: OperatorOrder): string {
  return `${type.slice('operator.'.length)} by ${who}: ${why}`;
}

function sentenceOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
