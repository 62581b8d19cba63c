/**
 * Which PVs are connected and which stand still, told by the ioc-hosts that watch them. A PV that does not
 * change is not unwell: what is called stale here is never shown, or kept, as disconnected.
 */
import { z } from 'zod';
import { readOutcomeNames, ReadOutcome } from '../../contracts/values.ts';
import type { Clock } from '../../kernel/clock.ts';
import { isConnected, readReason } from '../value-json.ts';
import type { ChannelNames } from './channel-names.ts';
import type { LiveValues } from './live-values.ts';

export const usualStaleSeconds = 300;
const reading = { mode: 'monitored', deadlineMs: 2_000 } as const;
/** As long as an operator waits for an answer; an IOC that takes longer has failed the check. */
const checkDeadlineMs = 2_000;
const shownErrors = 10;

export const disconnectedPvs = z.object({
  count: z.number().int(),
  pvs: z.array(z.string()).describe('names, sorted'),
  outcomes: z.record(z.string(), z.number().int()).describe('how many for which reason'),
  details: z.array(z.object({ pvName: z.string(), outcome: z.enum(readOutcomeNames), reason: z.string() })),
});

export const stalePvs = z.object({
  count: z.number().int(),
  threshold_seconds: z.number(),
  pvs: z.array(z.string()).describe('names, sorted'),
  details: z.array(z.object({ pvName: z.string(), age_seconds: z.number().nullable().describe('since the IOC\'s time stamp; null = the IOC has never stamped it') })),
});

export const watchdogStats = z.object({
  last_check: z.string().nullable().describe('last check by hand in this process, ISO 8601'),
  check_count: z.number().int(),
  disconnected_count: z.number().int().describe('now'),
  stale_count: z.number().int().describe(`connected, and not changed for ${usualStaleSeconds} s, now`),
  reconnect_attempts: z.number().int().describe('disconnected PVs that checks by hand have read'),
  successful_reconnects: z.number().int(),
  failed_reconnects: z.number().int(),
  last_errors: z.array(z.string()),
});

export interface ConnectionDeps {
  readonly live: LiveValues;
  readonly names: ChannelNames;
  readonly clock: Clock;
}

export function createConnectionOperations({ live, names, clock }: ConnectionDeps) {
  const checks = { last: null as string | null, count: 0, attempts: 0, successes: 0, errors: [] as string[] };

  const all = async () => {
    const { byName } = await names.current();
    const sorted = [...byName.keys()].sort();
    const { columns } = await live.read(Int32Array.from(sorted, (name) => byName.get(name)!.id), reading);
    const now = clock.now();
    const lost: number[] = [];
    const quiet: { row: number; age: number | null }[] = [];
    const olderThan = (seconds: number): typeof quiet => quiet.filter(({ age }) => age === null || age > seconds);
    for (let row = 0; row < columns.length; row++) {
      if (!isConnected(columns.outcome[row]!)) lost.push(row);
      else if (columns.outcome[row] === ReadOutcome.ok) quiet.push({ row, age: columns.timeNs[row] === 0n ? null : (now - Number(columns.timeNs[row]! / 1_000_000n)) / 1000 });
    }
    return { sorted, columns, lost, olderThan };
  };

  const stats = (disconnected: number, stale: number): z.output<typeof watchdogStats> => ({
    last_check: checks.last,
    check_count: checks.count,
    disconnected_count: disconnected,
    stale_count: stale,
    reconnect_attempts: checks.attempts,
    successful_reconnects: checks.successes,
    failed_reconnects: checks.attempts - checks.successes,
    last_errors: checks.errors,
  });

  return {
    disconnected: async (): Promise<z.output<typeof disconnectedPvs>> => {
      const { sorted, columns, lost } = await all();
      const outcomes: Record<string, number> = {};
      const details = lost.map((row) => {
        const outcome = readOutcomeNames[columns.outcome[row]!] ?? 'pending';
        outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
        return { pvName: sorted[row]!, outcome, reason: readReason(columns.outcome[row]!, columns.code[row]!) };
      });
      return { count: lost.length, pvs: details.map(({ pvName }) => pvName), outcomes, details };
    },

    stale: async (maxAgeSeconds: number): Promise<z.output<typeof stalePvs>> => {
      const { sorted, olderThan } = await all();
      const details = olderThan(maxAgeSeconds).map(({ row, age }) => ({ pvName: sorted[row]!, age_seconds: age }));
      return { count: details.length, threshold_seconds: maxAgeSeconds, pvs: details.map(({ pvName }) => pvName), details };
    },

    watchdog: async (): Promise<z.output<typeof watchdogStats>> => {
      const { lost, olderThan } = await all();
      return stats(lost.length, olderThan(usualStaleSeconds).length);
    },

    /** Reads again what is disconnected or stands still, all at once: an IOC that does not answer costs one deadline (I1). */
    check: async (): Promise<z.output<typeof watchdogStats>> => {
      const before = await all();
      const stale = before.olderThan(usualStaleSeconds).map(({ row }) => row);
      const asked = [...before.lost, ...stale];
      const { columns } = await live.read(Int32Array.from(asked, (row) => before.columns.channel[row]!), { mode: 'live', deadlineMs: checkDeadlineMs });
      const failed = before.lost.map((row, at) => ({ name: before.sorted[row]!, at })).filter(({ at }) => columns.outcome[at] !== ReadOutcome.ok);
      checks.last = new Date(clock.now()).toISOString();
      checks.count += 1;
      checks.attempts += before.lost.length;
      checks.successes += before.lost.length - failed.length;
      checks.errors = failed.slice(0, shownErrors).map(({ name, at }) => `${name}: ${readReason(columns.outcome[at]!, columns.code[at]!)}`);
      return stats(failed.length, stale.length);
    },

    lastCheck: (): string | null => checks.last,
  };
}
export type ConnectionOperations = ReturnType<typeof createConnectionOperations>;
