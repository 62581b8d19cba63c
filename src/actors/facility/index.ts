/**
 * The facility as the rest of an ioc-host sees it: rows go in, IOC actors are kept alive behind it,
 * and every operation on an IOC passes its actor. A channel is addressed as (IOC, row); nobody
 * outside holds a reference to an actor.
 */
import { createActor, type Actor, type ActorRefFrom } from 'xstate';
import type { CaEvent, ChannelAccess, IocAddress, WriteResult } from '../../channel-access/port.ts';
import type { IocView } from '../../contracts/iocs.ts';
import type { SnapshotMode } from '../../contracts/snapshots.ts';
import type { ValueColumns } from '../../contracts/values.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { Log } from '../../kernel/log.ts';
import {
  ask, channelTableOf, createIocEffects, createIocMachine, refused, viewOf,
  type Admission, type Admitted, type Answered, type BreakerOptions, type IocDoor, type IocEvent, type IocMachine, type OperatorOrder,
} from '../ioc-supervisor/index.ts';
import { createChannelSet, type ChannelLife, type ChannelSetRef } from '../pv-channel/index.ts';
import { restartDefaults, type RestartOptions } from './decide.ts';
import { createFacilityMachine, type FacilityDeps, type FacilityMachine, type Supervised } from './machine.ts';
import { createProbeBudget } from './probe-budget.ts';
import { Roster, type Move } from './roster.ts';

export interface FacilityOptions {
  readonly host: string;
  readonly channelAccess: ChannelAccess;
  readonly clock: Clock;
  readonly random: () => number;
  readonly breaker: BreakerOptions;
  readonly restart?: RestartOptions;
  /** An IOC actor without channels ends after this long. */
  readonly idleMs?: number;
  /** IOCs probed at once. */
  readonly probeCap?: number;
  /** The order that is kept for an IOC whose actor is made now. */
  readonly orderOf?: (ioc: string) => OperatorOrder | null;
  readonly changed?: (ioc: string, what: 'breaker' | 'channels') => void;
  readonly tripped?: (ioc: string) => void;
  readonly noticed?: FacilityDeps['noticed'];
  readonly log: Log;
}

/** An actor hears of updates this often: a mailbox is no place for a stream (hundreds of IOCs pulse 20 times a second). */
const pulseMs = 250;

export type IocGroup = ReturnType<Roster['groups']>[number];

export interface Facility {
  start(): void;
  stop(): void;
  /** These rows belong to this IOC now; null = nobody knows yet. Its actor is made if there is none. */
  assign(rows: Int32Array, ioc: IocAddress | null): void;
  remove(rows: Int32Array): void;
  /** A fact from the wire. */
  tell(event: CaEvent): void;
  /** undefined: not watched here; null: not found yet. */
  iocOf(row: number): IocAddress | null | undefined;
  groups(rows: Int32Array): IocGroup[];
  read(ioc: IocAddress, rows: Int32Array, deadlineMs: number, mode: SnapshotMode): Promise<Answered>;
  /** Whether operations may go out now; see {@link write}. */
  ask(ioc: IocAddress): Admission;
  write(ioc: IocAddress, admitted: Admitted, rows: Int32Array, values: ValueColumns, options: { deadlineMs: number; window: number }): Promise<WriteResult>;
  /** False when there is no such IOC. */
  order(ioc: IocAddress, order: OperatorOrder): boolean;
  view(ioc: IocAddress): IocView | undefined;
  views(): IocView[];
  /** Channels of one IOC (null: the unresolved ones) by row. */
  channels(ioc: IocAddress | null): [row: number, life: ChannelLife][];
}

export function createFacility(options: FacilityOptions): Facility {
  const { channelAccess, clock, host } = options;
  const roster = new Roster(channelAccess.columns.capacity);
  const circuits = new Set<IocAddress>();
  /** Last sign of life, and when the actor was last told of one, ms since 1970. */
  const heard = new Map<IocAddress, number>();
  const told = new Map<IocAddress, number>();
  const probes = createProbeBudget(options.probeCap ?? 16);
  const effects = createIocEffects(channelAccess, clock);
  const now = (): number => clock.now();

  const ioc = createIocMachine({
    columns: channelAccess.columns,
    options: options.breaker,
    now,
    random: options.random,
    probe: effects.probe,
    allowConnect: (name, allowed) => channelAccess.allowConnect(name, allowed),
    probes,
    changed: options.changed ?? (() => {}),
    tripped: options.tripped ?? (() => {}),
  });
  const machine = createFacilityMachine({
    ioc,
    channelSet: createChannelSet(channelAccess.columns, now),
    rowsOf: (name) => roster.rowsOf(name),
    circuitUp: (name) => circuits.has(name),
    orderOf: options.orderOf ?? (() => null),
    now,
    random: options.random,
    restart: options.restart ?? restartDefaults,
    idleMs: options.idleMs ?? 60_000,
    released: (name) => {
      probes.release(name);
      // What its actor had paused, its successor decides anew.
      channelAccess.allowConnect(name, true);
    },
    noticed: (what, name, reason) => {
      if (what === 'retired') {
        heard.delete(name);
        told.delete(name);
      }
      options.noticed?.(what, name, reason);
      options.changed?.(name, 'breaker');
    },
    broke: (error) => options.log.error({ err: error }, 'the facility could not tell what happened to an IOC actor'),
  });
  const actor: Actor<FacilityMachine> = createActor(machine, { id: 'facility', clock });
  // XState throws an error nobody listens for out of the event loop.
  actor.subscribe({ error: (error) => options.log.error({ err: error }, 'the facility failed: no IOC is supervised any more, restart this ioc-host') });

  const supervised = (name: string): Supervised | undefined => actor.getSnapshot().context.iocs.get(name);
  const refOf = (name: string): ActorRefFrom<IocMachine> | undefined =>
    supervised(name)?.status === 'running' ? (actor.getSnapshot().children[name] as ActorRefFrom<IocMachine> | undefined) : undefined;
  const send = (name: string, event: IocEvent): void => refOf(name)?.send(event);
  const door = (name: string): IocDoor => ({
    ioc: name,
    rate: options.breaker.rate,
    send: (event) => send(name, event),
    heardAt: () => Math.max(heard.get(name) ?? 0, refOf(name)?.getSnapshot().context.table.heardAt ?? 0),
  });
  const moved = (to: string | null | undefined, move: Move): void => {
    if (move.joined.length > 0) actor.send({ type: 'channels.moved', to, move });
  };
  const missing = (name: string): string => {
    const known = supervised(name);
    if (!known) return `no actor for IOC ${name}`;
    if (known.status === 'gaveUp') return `its actor failed ${known.failures.length} times within ${(options.restart ?? restartDefaults).periodMs / 1_000} s and was given up (${known.fault}); closing its breaker starts it again`;
    return `its actor is being restarted after a fault: ${known.fault}`;
  };
  const admission = (name: string): Admission => ask(refOf(name) && door(name), missing(name));

  const view = (name: string): IocView | undefined => {
    const known = supervised(name);
    if (!known) return undefined;
    const ref = refOf(name);
    if (ref) return viewOf(ref.getSnapshot(), host, known.restarts);
    const total = roster.count(name);
    return {
      name, host, state: 'open', reason: missing(name), since: new Date(known.since).toISOString(), circuit: circuits.has(name) ? 'up' : 'down',
      channels: { total, connected: 0, unresponsive: circuits.has(name) ? total : 0, disconnected: circuits.has(name) ? 0 : total, searching: 0, denied: 0 }, window: { calls: 0, failures: 0 }, attempt: 0, nextProbeAt: null,
      restarts: known.restarts, forcedBy: known.order?.who ?? null,
    };
  };

  return {
    start: () => void actor.start(),
    stop: () => void actor.stop(),
    assign: (rows, name) => moved(name, roster.assign(rows, name)),
    remove: (rows) => moved(undefined, roster.remove(rows)),
    tell: (event) => {
      switch (event.kind) {
        case 'channels.found':
          moved(event.ioc, roster.assign(watched(event.rows), event.ioc));
          send(event.ioc, { type: 'ca.found', rows: event.rows });
          break;
        case 'channels.connected':
          // A batch that overtook its finding still says where the channels are.
          moved(event.ioc, roster.assign(watched(event.rows), event.ioc));
          send(event.ioc, { type: 'ca.connected', rows: event.rows });
          break;
        case 'channels.disconnected':
          send(event.ioc, { type: 'ca.disconnected', rows: event.rows });
          break;
        case 'channels.access':
          send(event.ioc, { type: 'ca.access', rows: event.rows });
          break;
        case 'circuit.up':
          circuits.add(event.ioc);
          send(event.ioc, { type: 'ca.circuit.up' });
          break;
        case 'circuit.down':
          circuits.delete(event.ioc);
          send(event.ioc, { type: 'ca.circuit.down', reason: event.reason });
          break;
        case 'circuit.unresponsive':
          send(event.ioc, { type: 'ca.circuit.unresponsive', silentMs: event.silentMs });
          break;
        case 'circuit.responsive':
          send(event.ioc, { type: 'ca.circuit.responsive' });
          break;
        case 'pulse': {
          const at = now();
          heard.set(event.ioc, at);
          if (at - (told.get(event.ioc) ?? 0) < pulseMs) break;
          told.set(event.ioc, at);
          send(event.ioc, { type: 'ca.pulse' });
          break;
        }
        default:
          // Beacons, duplicates, descriptions and threads are the host's to report, not an IOC actor's.
          break;
      }
    },
    iocOf: (row) => roster.iocOf(row),
    groups: (rows) => roster.groups(rows),
    read: async (name, rows, deadlineMs, mode) => {
      const given = admission(name);
      return given.go ? await effects.read(door(name), given, rows, deadlineMs, mode) : refused(rows, given, now());
    },
    ask: admission,
    write: (name, admitted, rows, values, writing) => effects.write(door(name), admitted, rows, values, writing),
    order: (name, order) => {
      if (!supervised(name)) return false;
      actor.send({ type: 'operator.order', ioc: name, order });
      return true;
    },
    view,
    views: () => [...actor.getSnapshot().context.iocs.keys()].map((name) => view(name)!),
    channels: (name) => {
      const children = actor.getSnapshot().children as Record<string, unknown>;
      const table = name === null ? (children['unresolved'] as ChannelSetRef | undefined)?.getSnapshot().context : tableOf(name);
      return table ? [...table.channels] : [];
    },
  };

  function tableOf(name: string) {
    const ref = refOf(name);
    return ref && channelTableOf(ref.getSnapshot());
  }
  /** An event may be about rows that were closed meanwhile. */
  function watched(rows: Int32Array): Int32Array {
    return rows.filter((row) => roster.iocOf(row) !== undefined);
  }
}
