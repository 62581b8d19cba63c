/** The watching of PVs as the Squirrel contract asks about it. What is told comes from the ioc-hosts, never from this process. */
import { z } from 'zod';
import type { Hosts } from '../../bus/hosts.ts';
import type { Bus } from '../../bus/port.ts';
import { jsonValue } from '../../contracts/restores.ts';
import { ReadOutcome } from '../../contracts/values.ts';
import type { Clock } from '../../kernel/clock.ts';
import { jsonValueOf } from '../../snapshots/json-values.ts';
import { isConnected, readReason } from '../value-json.ts';
import type { ChannelNames } from './channel-names.ts';
import { beatTooOldSeconds, newestBeat } from './health.ts';
import type { LiveValues } from './live-values.ts';

const staleAfterSeconds = 30;
const testDeadlineMs = 2_000;

export const monitorHealth = z.object({
  alive: z.boolean(),
  last_heartbeat: z.string().nullable().describe('ISO 8601'),
  heartbeat_age_seconds: z.number().nullable(),
  total_cached_pvs: z.number().int().describe('channels that the ioc-hosts watch'),
  connected_pvs: z.number().int().describe('and their IOC answers'),
  disconnected_pvs: z.number().int().describe('all others'),
  unresponsive_pvs: z.number().int().describe('of the disconnected ones: connected on the wire, and their IOC does not answer or its breaker is not closed'),
  monitored_pvs: z.number().int(),
  active_subscriptions: z.number().int().describe('channels with a monitor that is up'),
  monitor_running: z.boolean(),
  watchdog_running: z.boolean(),
  watchdog_last_check: z.string().nullable(),
});

export const monitorStatus = z.object({
  status: z.enum(['healthy', 'stale', 'unknown']),
  message: z.string(),
  age_seconds: z.number().nullable(),
  leader: z.string().nullable().describe('the ioc-hosts that share the PVs: there is no leader among them'),
});

export const cacheStatus = z.object({
  cachedPvCount: z.number().int().describe('channels that the ioc-hosts watch'),
  status: z.enum(['connected', 'disconnected']),
  error: z.string().nullable(),
});

export const epicsTest = z.object({
  pv: z.string().nullable(),
  connected: z.boolean(),
  value: jsonValue,
  error: z.string().nullable(),
  environment: z.record(z.string(), z.string()).describe('EPICS_CA_* of this process'),
});

export interface MonitorDeps {
  readonly bus: Bus;
  readonly hosts: Hosts;
  readonly live: LiveValues;
  readonly names: ChannelNames;
  readonly clock: Clock;
  readonly lastCheck: () => string | null;
  readonly environment: Readonly<Record<string, string>>;
}

export function createMonitorOperations({ bus, hosts, live, names, clock, lastCheck, environment }: MonitorDeps) {
  const beats = () => [...hosts.beats.values()];
  const problem = (): string | null => (bus.state === 'connected' ? (hosts.beats.size === 0 ? 'no ioc-host is running' : null) : `the bus is ${bus.state}`);
  const sum = (of: 'channels' | 'connected' | 'unresponsive'): number => beats().reduce((total, beat) => total + (beat[of] ?? 0), 0);

  return {
    monitor: async (): Promise<z.output<typeof monitorHealth>> => {
      const beat = newestBeat(beats(), clock);
      const alive = problem() === null && beat !== undefined && beat.age < beatTooOldSeconds;
      const [total, connected] = [sum('channels'), sum('connected')];
      return {
        alive,
        last_heartbeat: beat ? new Date(beat.newest * 1000).toISOString() : null,
        heartbeat_age_seconds: beat?.age ?? null,
        total_cached_pvs: total,
        connected_pvs: connected,
        disconnected_pvs: total - connected,
        unresponsive_pvs: sum('unresponsive'),
        monitored_pvs: total,
        active_subscriptions: connected,
        monitor_running: alive,
        watchdog_running: alive,
        watchdog_last_check: lastCheck(),
      };
    },

    status: async (): Promise<z.output<typeof monitorStatus>> => {
      const beat = newestBeat(beats(), clock);
      const leader = beats().map(({ host }) => host).sort().join(', ') || null;
      const away = problem();
      if (away !== null || !beat) return { status: 'unknown', message: away ?? 'no ioc-host is running', age_seconds: beat?.age ?? null, leader };
      if (beat.age > staleAfterSeconds) return { status: 'stale', message: `the newest sign of life of an ioc-host is ${beat.age} s old`, age_seconds: beat.age, leader };
      return { status: 'healthy', message: `${beats().length} ioc-host${beats().length === 1 ? '' : 's'} alive`, age_seconds: beat.age, leader };
    },

    cache: async (): Promise<z.output<typeof cacheStatus>> => {
      const error = problem();
      return { cachedPvCount: error === null ? sum('channels') : 0, status: error === null ? 'connected' : 'disconnected', error };
    },

    /** One fresh read. Without a name: of the catalogue's first PV. */
    test: async (wanted: string | undefined): Promise<z.output<typeof epicsTest>> => {
      const { byName } = await names.current();
      const pv = wanted ?? [...byName.keys()].sort()[0] ?? null;
      const channel = pv === null ? undefined : byName.get(pv);
      if (!channel) return { pv, connected: false, value: null, error: pv === null ? 'the catalogue is empty' : `no catalogue entry names "${pv}": register it first`, environment: { ...environment } };
      const { columns } = await live.read(Int32Array.of(channel.id), { mode: 'live', deadlineMs: testDeadlineMs });
      const outcome = columns.outcome[0]!;
      return { pv, connected: isConnected(outcome), value: jsonValueOf(columns, 0), error: outcome === ReadOutcome.ok ? null : readReason(outcome, columns.code[0]!), environment: { ...environment } };
    },
  };
}
export type MonitorOperations = ReturnType<typeof createMonitorOperations>;
