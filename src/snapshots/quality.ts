/** The truth about a snapshot's making, gathered while its parts come in. */
import { ReadOutcome, readOutcomeNames, type ValueColumns } from '../contracts/values.ts';
import type { SnapshotQuality } from '../contracts/snapshots.ts';

export interface QualityPart {
  readonly ioc: string | null;
  /** ms since 1970; null when nothing was asked. */
  readonly startedAt: number | null;
  readonly finishedAt: number | null;
  readonly iocProblem: string | null;
}

interface IocTally {
  rows: number;
  read: number;
  newestNs: bigint;
  problem: string | null;
}

export interface QualityTally {
  add(part: QualityPart, columns: ValueColumns): void;
  finish(durationMs: number): SnapshotQuality;
}

export function tallyQuality(): QualityTally {
  const outcomes = new Array<number>(readOutcomeNames.length).fill(0);
  const severities = [0, 0, 0, 0];
  const iocs = new Map<string, IocTally>();
  let rows = 0;
  let firstReadAt = Infinity;
  let lastReadAt = -Infinity;
  let oldestNs = 0n;
  let newestNs = 0n;

  return {
    add(part, columns) {
      rows += columns.length;
      if (part.startedAt !== null) firstReadAt = Math.min(firstReadAt, part.startedAt);
      if (part.finishedAt !== null) lastReadAt = Math.max(lastReadAt, part.finishedAt);
      const name = part.ioc ?? 'unresolved';
      const ioc = iocs.get(name) ?? { rows: 0, read: 0, newestNs: 0n, problem: null };
      iocs.set(name, ioc);
      ioc.rows += columns.length;
      ioc.problem ??= part.iocProblem;
      const times = createExtremes(columns.timeNs);
      for (let row = 0; row < columns.length; row++) {
        const outcome = columns.outcome[row]!;
        outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
        if (outcome !== ReadOutcome.ok) continue;
        ioc.read += 1;
        severities[columns.severity[row]! & 3]! += 1;
        times.look(row);
      }
      const { oldest, newest } = times.found();
      if (newest === 0n) return;
      if (newest > ioc.newestNs) ioc.newestNs = newest;
      if (oldestNs === 0n || oldest < oldestNs) oldestNs = oldest;
      if (newest > newestNs) newestNs = newest;
    },
    finish(durationMs) {
      const newest = [...iocs.values()].map((ioc) => ioc.newestNs).filter((time) => time > 0n);
      const span = newest.length > 1 ? newest.reduce((a, b) => (a > b ? a : b)) - newest.reduce((a, b) => (a < b ? a : b)) : 0n;
      const named = [...iocs].filter(([name]) => name !== 'unresolved');
      return {
        rows,
        outcomes: Object.fromEntries(outcomes.flatMap((count, outcome) => (count > 0 ? [[readOutcomeNames[outcome]!, count]] : []))),
        rowsInAlarm: { minor: severities[1]!, major: severities[2]!, invalid: severities[3]! },
        firstReadAt: Number.isFinite(firstReadAt) ? new Date(firstReadAt).toISOString() : null,
        lastReadAt: Number.isFinite(lastReadAt) ? new Date(lastReadAt).toISOString() : null,
        oldestTimeNs: oldestNs > 0n ? String(oldestNs) : null,
        newestTimeNs: newestNs > 0n ? String(newestNs) : null,
        iocSkewMs: newest.length > 0 ? Number(span / 1000n) / 1000 : null,
        iocsNotAnswering: named
          .filter(([, ioc]) => ioc.read === 0 && ioc.rows > 0)
          .map(([name, ioc]) => ({ ioc: name, rows: ioc.rows, reason: ioc.problem ?? 'no row was answered' })),
        iocs: named.length,
        durationMs: Math.round(durationMs),
      };
    },
  };
}

/** The oldest and the newest time of rows looked at, 0 = none. By halves: a BigInt per row costs more than all else here. */
function createExtremes(times: BigInt64Array): { look(row: number): void; found(): { oldest: bigint; newest: bigint } } {
  const halves = new Int32Array(times.buffer, times.byteOffset, 2 * times.length);
  let oldest = -1;
  let newest = -1;
  const later = (a: number, b: number): boolean => {
    const high = halves[2 * a + 1]! - halves[2 * b + 1]!;
    return high > 0 || (high === 0 && halves[2 * a]! >>> 0 > halves[2 * b]! >>> 0);
  };
  return {
    look: (row) => {
      const high = halves[2 * row + 1]!;
      // 0 = the record was never processed: it says nothing about a clock.
      if (high < 0 || (high === 0 && halves[2 * row] === 0)) return;
      if (oldest < 0 || later(oldest, row)) oldest = row;
      if (newest < 0 || later(row, newest)) newest = row;
    },
    found: () => ({ oldest: oldest < 0 ? 0n : times[oldest]!, newest: newest < 0 ? 0n : times[newest]! }),
  };
}
