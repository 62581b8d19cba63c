/**
 * The bookkeeping of a scattered read, pure: which rows of which item have been answered. Whatever comes
 * twice, late, from an earlier run or unasked is dropped here, so that each row is kept exactly once.
 */
import { emptyValueColumns, pickValueRows, ReadOutcome, type ValueColumns } from '../contracts/values.ts';
import type { ReadAnswer } from '../contracts/work.ts';

/** Channels of one IOC, ascending, to be read by the host that owns it; undefined = no host lives. */
export interface ReadTarget {
  readonly ioc: string | null;
  readonly host: string | undefined;
  readonly channels: Int32Array;
}

export interface Gathering {
  /** Rows neither kept nor set aside yet. */
  readonly open: number;
  readonly asked: number;
  /** Items that are not fully answered. */
  openItems(): number[];
  /** Adds items; their numbers are the next ones. Channels that were set aside may be asked again. */
  ask(targets: readonly ReadTarget[]): { item: number; target: ReadTarget }[];
  /** The rows of this part that are to be kept; undefined = none. */
  part(answer: Pick<ReadAnswer, 'run' | 'item' | 'part' | 'parts'>, columns: ValueColumns): ValueColumns | undefined;
  /** Channels whose host said that it does not own them, once; they are to be asked elsewhere. */
  takeMoved(): Int32Array;
  /** Ends the waiting: the rows still open, per item, as rows with the outcome that `why` gives. */
  close(why: (target: ReadTarget) => ReadOutcome): { target: ReadTarget; columns: ValueColumns }[];
}

const rowState = { unasked: 0, open: 1, kept: 2, moved: 3 } as const;

export function createGathering(run: number): Gathering {
  const items: { target: ReadTarget; seen: Set<number>; parts: number }[] = [];
  /** By channel id: ids are small and dense, see the name dictionary. */
  let state = new Uint8Array(0);
  let open = 0;
  let asked = 0;
  let moved: number[] = [];
  /** Channels in state `moved`. */
  let movedRows = 0;
  /** A channel is sent elsewhere once; a second "not mine" is its answer. */
  const movedOnce = new Set<number>();

  const grow = (channel: number): void => {
    if (channel < state.length) return;
    const larger = new Uint8Array(Math.max(1_024, channel + 1, state.length * 2));
    larger.set(state);
    state = larger;
  };

  return {
    get open() {
      return open;
    },
    get asked() {
      return asked;
    },
    openItems: () => items.flatMap((item, number) => (item.seen.size < item.parts ? [number] : [])),
    ask: (targets) =>
      targets.map((target) => {
        // Of what nobody can be asked no part is waited for.
        items.push({ target, seen: new Set(), parts: target.host === undefined ? 0 : Infinity });
        for (const channel of target.channels) {
          grow(channel);
          if (state[channel] === rowState.open || state[channel] === rowState.kept) throw new Error(`channel ${channel} was asked for twice in one run`);
          if (state[channel] === rowState.unasked) asked += 1;
          if (state[channel] === rowState.moved) movedRows -= 1;
          state[channel] = rowState.open;
          open += 1;
        }
        return { item: items.length - 1, target };
      }),
    part: (answer, columns) => {
      const item = items[answer.item];
      if (answer.run !== run || item === undefined) return undefined;
      item.seen.add(answer.part);
      item.parts = answer.parts;
      let keep = 0;
      // First look without copying: nearly every part is kept whole.
      const wanted = new Uint8Array(columns.length);
      for (let row = 0; row < columns.length; row++) {
        const channel = columns.channel[row]!;
        if (state[channel] !== rowState.open) continue;
        open -= 1;
        if (columns.outcome[row] === ReadOutcome.notOwned && !movedOnce.has(channel)) {
          movedOnce.add(channel);
          moved.push(channel);
          movedRows += 1;
          state[channel] = rowState.moved;
          continue;
        }
        state[channel] = rowState.kept;
        wanted[row] = 1;
        keep += 1;
      }
      if (keep === columns.length) return columns.length === 0 ? undefined : columns;
      return keep === 0 ? undefined : pick(columns, wanted, keep);
    },
    takeMoved: () => {
      const taken = Int32Array.from(moved).sort();
      moved = [];
      return taken;
    },
    close: (why) => {
      const closed: { target: ReadTarget; columns: ValueColumns }[] = [];
      if (open === 0 && movedRows === 0) return closed;
      for (const { target } of items) {
        const left = target.channels.filter((channel) => state[channel] === rowState.open || state[channel] === rowState.moved);
        if (left.length === 0) continue;
        const columns = emptyValueColumns(left.length);
        columns.channel.set(left);
        left.forEach((channel, row) => {
          columns.outcome[row] = state[channel] === rowState.moved ? ReadOutcome.notOwned : why(target);
          state[channel] = rowState.kept;
        });
        closed.push({ target, columns });
      }
      open = movedRows = 0;
      moved = [];
      return closed;
    },
  };
}

function pick(columns: ValueColumns, wanted: Uint8Array, count: number): ValueColumns {
  const rows = new Int32Array(count);
  for (let row = 0, to = 0; row < columns.length; row++) if (wanted[row] === 1) rows[to++] = row;
  return pickValueRows(columns, rows);
}
