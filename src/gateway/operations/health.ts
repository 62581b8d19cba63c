/** Whether Drey works, told by the parts that know: the bus, the database, the ioc-hosts and their IOC actors. */
import { z } from 'zod';
import type { Hosts } from '../../bus/hosts.ts';
import type { Bus } from '../../bus/port.ts';
import type { HostBeat } from '../../contracts/work.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { Persistence } from '../../persistence/port.ts';
import type { IocOperations } from './iocs.ts';

/** Of the disconnected PVs, this share of all is worth an issue, %. */
const disconnectedIssuePercent = 1;
/** Hosts beat every few seconds; the bucket forgets those that stop. */
export const beatTooOldSeconds = 15;

export const heartbeat = z.object({
  timestamp: z.number().nullable().describe('newest sign of life of an ioc-host, seconds since 1970'),
  alive: z.boolean(),
  age_seconds: z.number().nullable(),
  error: z.string().nullable(),
});

export const healthSummary = z.object({
  status: z.enum(['healthy', 'degraded', 'unhealthy']),
  issues: z.array(z.string()),
  monitor_alive: z.boolean(),
  heartbeat_age_seconds: z.number().nullable(),
  total_pvs: z.number().int().describe('channels that the ioc-hosts watch'),
  connected_pvs: z.number().int().describe('and their IOC answers'),
  disconnected_pvs: z.number().int().describe('all others'),
  unresponsive_pvs: z.number().int().describe('of the disconnected ones: connected on the wire, and their IOC does not answer or its breaker is not closed'),
  disconnected_percentage: z.number(),
  watchdog_running: z.boolean(),
  last_watchdog_check: z.string().nullable(),
  bus: z.enum(['connected', 'disconnected', 'closed']),
  database: z.object({ up: z.boolean(), pingMs: z.number().nullable() }),
  hosts: z.array(z.object({
    host: z.string(), startedAt: z.string(), channels: z.number(), connected: z.number(), unresponsive: z.number(),
    ca: z.string().nullable().describe('its Channel Access client, wire or libca'),
    lacks: z.array(z.string()).describe('what its Channel Access client cannot do'),
  })),
  iocs: z.object({ total: z.number().int(), byState: z.record(z.string(), z.number().int()), silentHosts: z.array(z.string()) }),
});

export interface HealthDeps {
  readonly persistence: Persistence;
  readonly bus: Bus;
  readonly hosts: Hosts;
  readonly iocs: IocOperations;
  readonly clock: Clock;
  readonly lastCheck: () => string | null;
}

const sentence = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** In seconds: when it was, since 1970, and how old it is. */
export function newestBeat(beats: readonly HostBeat[], clock: Clock): { newest: number; age: number } | undefined {
  if (beats.length === 0) return undefined;
  const newest = Math.max(...beats.map((beat) => Date.parse(beat.at))) / 1000;
  return { newest, age: Math.max(0, Math.round((clock.now() / 1000 - newest) * 1000) / 1000) };
}

export function createHealthOperations({ persistence, bus, hosts, iocs, clock, lastCheck }: HealthDeps) {
  const ageOf = (beats: readonly HostBeat[]) => newestBeat(beats, clock);

  return {
    heartbeat: async (): Promise<z.output<typeof heartbeat>> => {
      const beat = ageOf([...hosts.beats.values()]);
      const away = bus.state === 'connected' ? null : `the bus is ${bus.state}`;
      if (!beat) return { timestamp: null, alive: false, age_seconds: null, error: away ?? 'no ioc-host is running' };
      return { timestamp: beat.newest, alive: away === null && beat.age < beatTooOldSeconds, age_seconds: beat.age, error: away };
    },

    summary: async (): Promise<z.output<typeof healthSummary>> => {
      const issues: string[] = [];
      const or = async <T>(asked: Promise<T>, otherwise: T, problem: string): Promise<T> => asked.catch((error: unknown) => {
        issues.push(`${problem}: ${sentence(error)}`);
        return otherwise;
      });
      const beats = [...hosts.beats.values()].sort((a, b) => (a.host < b.host ? -1 : 1));
      const [pingMs, list] = await Promise.all([
        or<number | null>(persistence.ping(), null, 'the database is away'),
        or(iocs.list(), { iocs: [], silentHosts: [] }, 'the IOCs cannot be seen'),
      ]);
      const age = ageOf(beats)?.age ?? null;
      const alive = age !== null && age < beatTooOldSeconds;
      const total = beats.reduce((sum, beat) => sum + beat.channels, 0);
      const connected = beats.reduce((sum, beat) => sum + beat.connected, 0);
      const unresponsive = beats.reduce((sum, beat) => sum + (beat.unresponsive ?? 0), 0);
      const percentage = total === 0 ? 0 : Math.round(((total - connected) / total) * 10_000) / 100;
      const byState: Record<string, number> = {};
      for (const ioc of list.iocs) byState[ioc.state] = (byState[ioc.state] ?? 0) + 1;
      const shut = list.iocs.filter(({ state }) => state === 'open' || state === 'forcedOpen' || state === 'halfOpen');

      if (bus.state !== 'connected') issues.push(`the bus is ${bus.state}`);
      else if (!alive) issues.push(age === null ? 'no ioc-host is running: nothing is watched' : `the newest sign of life of an ioc-host is ${age} s old`);
      const unhealthy = issues.length > 0;
      for (const { name, state, reason } of shut.slice(0, 20)) issues.push(`the breaker of IOC ${name} is ${state}: ${reason}`);
      if (shut.length > 20) issues.push(`and the breakers of ${shut.length - 20} more IOCs`);
      if (percentage > disconnectedIssuePercent) issues.push(`${total - connected} of ${total} PVs (${percentage} %) are not connected${unresponsive > 0 ? `; ${unresponsive} of those are of IOCs that do not answer or whose breaker is not closed` : ''}`);
      if (list.silentHosts.length > 0) issues.push(`ioc-hosts that do not answer: ${list.silentHosts.join(', ')}`);

      return {
        status: unhealthy ? 'unhealthy' : issues.length > 0 ? 'degraded' : 'healthy',
        issues,
        monitor_alive: alive,
        heartbeat_age_seconds: age,
        total_pvs: total,
        connected_pvs: connected,
        disconnected_pvs: total - connected,
        unresponsive_pvs: unresponsive,
        disconnected_percentage: percentage,
        watchdog_running: alive,
        last_watchdog_check: lastCheck(),
        bus: bus.state,
        database: { up: pingMs !== null, pingMs },
        hosts: beats.map(({ host, startedAt, channels, connected: up, unresponsive: hung, ca, lacks }) => ({ host, startedAt, channels, connected: up, unresponsive: hung ?? 0, ca: ca ?? null, lacks: [...lacks ?? []] })),
        iocs: { total: list.iocs.length, byState, silentHosts: list.silentHosts },
      };
    },
  };
}
export type HealthOperations = ReturnType<typeof createHealthOperations>;
