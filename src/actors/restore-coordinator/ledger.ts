/**
 * What became of each row, folded from the plan and the restore log. Pure, and the same whether the log is
 * read once, twice or in pieces: R4, every row has exactly one outcome, and a host's word beats a guess.
 */
import { RestoreOutcome, restoreReasonNames, type RestoreReason } from '../../contracts/restores.ts';
import { emptyValueColumns, placeValueRows, type ValueColumns } from '../../contracts/values.ts';
import type { RestoreLogEntry } from '../../contracts/work.ts';
import { planVerdicts } from '../../snapshots/plan.ts';
import { rowsByItem, type KeptPlan } from './kept-plan.ts';

export interface ItemState {
  /** A host has begun with it. */
  readonly started: boolean;
  /** ms since 1970 of its newest entry; 0 = none. */
  readonly lastAt: number;
  /** Rows without an outcome. */
  readonly open: number;
}

export interface Ledger {
  /** Per plan row. */
  readonly outcome: Uint8Array;
  readonly why: Uint8Array;
  readonly code: Uint16Array;
  /** What was read back; `pending` where nothing was. */
  readonly after: ValueColumns;
  /** False for an entry that fits no item of this plan. */
  apply(entry: RestoreLogEntry, columns: ValueColumns): boolean;
  item(number: number): ItemState;
  openItems(): number[];
  /** Rows of items that have their outcome. */
  readonly settled: number;
  /** Rows that a host may have written: A1 wants each of them in the audit log. */
  readonly attempted: Uint8Array;
}

const reason = (name: RestoreReason): number => restoreReasonNames.indexOf(name);
const planned: Record<(typeof planVerdicts)[number], number> = {
  write: RestoreOutcome.pending,
  unchanged: RestoreOutcome.unchanged,
  skipped: RestoreOutcome.skipped,
  held: RestoreOutcome.held,
  failed: RestoreOutcome.failed,
};

export function createLedger(plan: KeptPlan): Ledger {
  const rows = plan.channel.length;
  const outcome = plan.verdict.map((verdict) => planned[planVerdicts[verdict]!]);
  const why = plan.why.slice();
  const code = new Uint16Array(rows);
  const after = emptyValueColumns(rows);
  after.channel.set(plan.channel);
  const attempted = new Uint8Array(rows);
  /** Outcomes that a host has told; others are guesses made when the host was given up. */
  const told = new Uint8Array(rows);
  const items = rowsByItem(plan).map((members) => ({ members, started: false, closed: false, lastAt: 0, open: members.length }));
  let settled = 0;

  const set = (item: (typeof items)[number], row: number, to: number, because: number, protocolCode: number): void => {
    if (outcome[row] === RestoreOutcome.pending) {
      item.open -= 1;
      settled += 1;
    }
    outcome[row] = to;
    why[row] = because;
    code[row] = protocolCode;
  };

  const closeItem = (item: (typeof items)[number], cause: 'cancelled' | 'hostLost' | 'expired'): void => {
    item.closed = true;
    for (const row of item.members) {
      if (outcome[row] !== RestoreOutcome.pending) continue;
      if (attempted[row] === 1) set(item, row, RestoreOutcome.unknown, reason('hostLost'), 0);
      else set(item, row, cause === 'cancelled' ? RestoreOutcome.skipped : RestoreOutcome.failed, reason(cause), 0);
    }
  };

  return {
    outcome, why, code, after, attempted,
    get settled() {
      return settled;
    },
    item: (number) => items[number]!,
    openItems: () => items.flatMap((item, number) => (item.open > 0 ? [number] : [])),
    apply: (entry, columns) => {
      const item = items[entry.item];
      if (item === undefined) return false;
      item.lastAt = Math.max(item.lastAt, entry.at);
      if (entry.kind === 'closed') {
        closeItem(item, entry.why);
        return true;
      }
      item.started = true;
      if (entry.kind === 'finished') {
        // A host finishes when every row has its outcome; should it not, nothing is claimed that is not known.
        for (const row of item.members) if (outcome[row] === RestoreOutcome.pending) set(item, row, RestoreOutcome.unknown, reason('processDied'), 0);
        return true;
      }
      if (entry.from < 0 || entry.to > item.members.length || entry.from > entry.to) return false;
      if (entry.kind === 'attempting') {
        for (let at = entry.from; at < entry.to; at++) {
          const row = item.members[at]!;
          // The log's order decides: after `closed` nothing is attempted.
          if (!item.closed) attempted[row] = 1;
        }
        return true;
      }
      /** Where each row read back belongs; -1 = it was told of before. */
      const places = new Int32Array(columns.length).fill(-1);
      let at = entry.from;
      for (const [to, because, protocolCode, rows = 1] of entry.results) {
        for (const end = Math.min(entry.to, at + rows); at < end; at++) {
          const row = item.members[at]!;
          if (told[row] === 1) continue;
          told[row] = 1;
          set(item, row, to, because, protocolCode);
          if (at - entry.from < places.length) places[at - entry.from] = row;
        }
      }
      placeValueRows(columns, after, places);
      for (let at = 0; at < places.length; at++) if (places[at]! >= 0) after.channel[places[at]!] = plan.channel[places[at]!]!;
      return true;
    },
  };
}

export interface Closing {
  readonly item: number;
  readonly why: 'cancelled' | 'hostLost' | 'expired';
}

export interface GiveUpView {
  readonly now: number;
  /** How long the host has been away, ms; 0 = it is there. */
  readonly awayMs: (host: string) => number;
  readonly cancelled: boolean;
  /** How long a slice may take before its outcomes must be there. */
  readonly sliceMs: number;
}

/** A host that was restarted is back by then, and has been given its items again. */
const returnMs = 30_000;
/** A living host has the first word on an item that it came to too late. */
const busyMs = 65_000;

/**
 * Open items that nobody will finish. `closed` in the log keeps a host that comes back all the same from
 * writing a row whose outcome was settled.
 */
export function itemsToClose(plan: KeptPlan, ledger: Ledger, { now, awayMs, cancelled, sliceMs }: GiveUpView): Closing[] {
  return ledger.openItems().flatMap((item): Closing[] => {
    const { host, startBefore } = plan.items[item]!;
    const { started, lastAt } = ledger.item(item);
    const away = awayMs(host);
    if (away > 0) {
      if (cancelled && !started) return [{ item, why: 'cancelled' }];
      return away > returnMs ? [{ item, why: cancelled ? 'cancelled' : 'hostLost' }] : [];
    }
    if (now <= startBefore + busyMs) return [];
    if (!started) return [{ item, why: 'expired' }];
    return now > lastAt + sliceMs + busyMs ? [{ item, why: 'hostLost' }] : [];
  });
}
