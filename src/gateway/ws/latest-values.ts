/**
 * The latest value of every channel, as columns by slot. Each row has the version of the table at
 * which it changed last, so that "what changed since" is one pass over numbers, for a window that
 * ends and for a client that comes back alike; nothing is queued for anybody.
 */
import { emptyValueColumns, ReadOutcome, type ChannelMeta, type ValueColumns } from '../../contracts/values.ts';

const none = -1;
/** Host index of a row that no host has sent. */
const nobody = 0;

type Growing = { -readonly [K in keyof ValueColumns]: ValueColumns[K] };

export class LatestValues {
  /** Rises with every change. */
  version = 1;
  /** Rises whenever a row gets or loses its name. */
  naming = 0;
  /** Rows `0` to `size` are in use. */
  size = 0;
  columns: Growing = emptyValueColumns(0);
  /** Version of the last change of a row, and of its description. Doubles: hundreds of hosts would wrap 32 bits within weeks. */
  changedAt = new Float64Array(0);
  describedAt = new Float64Array(0);
  /** When the value came, ms since 1970. */
  receivedAt = new Float64Array(0);
  readonly metas = new Map<bigint, ChannelMeta>();
  readonly #names: (string | undefined)[] = [];
  #slotOfId = new Int32Array(1_024).fill(none);
  #host = new Uint16Array(0);
  #seen = new Uint32Array(0);
  /** Room for what is looked for. */
  #found = new Int32Array(0);
  /** Rows with text or arrays: only they are looked up in the maps. */
  #beside = new Uint8Array(0);
  #words: { time: Uint32Array; hash: Uint32Array } = { time: new Uint32Array(0), hash: new Uint32Array(0) };
  readonly #hostIndex = new Map<string, number>();
  readonly #generation: number[] = [0];
  readonly #unknown = new Set<bigint>();
  /** Rows of which one host said no while another had them. */
  readonly #contested = new Set<number>();

  name(slot: number): string | undefined {
    return this.#names[slot];
  }

  /** The halves of each row's time, the lower first. */
  get timeWords(): Uint32Array {
    return this.#words.time;
  }
  isArray(slot: number): boolean {
    return this.#beside[slot] === 1 && this.columns.bytes.has(slot);
  }

  /** Gives a channel of the catalogue its row and name. */
  slotFor(id: number, name: string): number {
    const slot = this.#slotOf(id);
    this.#names[slot] = name;
    this.naming++;
    return slot;
  }

  /** Rows of channels that are in the catalogue no more. They keep their place, without a name nobody is sent them. */
  forgetName(slot: number): void {
    this.#names[slot] = undefined;
    this.naming++;
  }

  /** Takes the rows of a host. Returns whether a host that was overruled before may now be right, and should be heard again. */
  apply(host: string, from: ValueColumns, now: number): boolean {
    const index = this.#indexOf(host);
    const version = ++this.version;
    const generation = this.#generation[index]!;
    const time = words(from.timeNs);
    const hash = words(from.metaHash);
    const hasBeside = from.text.size > 0 || from.bytes.size > 0;
    let reconsider = false;
    for (let i = 0; i < from.length; i++) {
      const slot = this.#slotOf(from.channel[i]!);
      const to = this.columns;
      const outcome = from.outcome[i]!;
      const owner = this.#host[slot]!;
      if (owner !== index && owner !== nobody) {
        if (outcome === ReadOutcome.notOwned) continue;
        // While a channel moves two hosts may know it: a value is better than a reason for none.
        if (outcome !== ReadOutcome.ok && to.outcome[slot] === ReadOutcome.ok) {
          this.#contested.add(slot);
          continue;
        }
      }
      if (outcome === ReadOutcome.notOwned) {
        this.#host[slot] = nobody;
        if (this.#contested.delete(slot)) reconsider = true;
      } else this.#host[slot] = index;
      this.#seen[slot] = generation;
      to.outcome[slot] = outcome;
      to.kind[slot] = from.kind[i]!;
      to.severity[slot] = from.severity[i]!;
      to.status[slot] = from.status[i]!;
      to.num[slot] = from.num[i]!;
      to.code[slot] = from.code[i]!;
      to.access[slot] = from.access[i]!;
      this.#words.time[2 * slot] = time[2 * i]!;
      this.#words.time[2 * slot + 1] = time[2 * i + 1]!;
      if (this.#words.hash[2 * slot] !== hash[2 * i] || this.#words.hash[2 * slot + 1] !== hash[2 * i + 1]) {
        to.metaHash[slot] = from.metaHash[i]!;
        this.describedAt[slot] = version;
        const id = from.metaHash[i]!;
        if (id !== 0n && !this.metas.has(id)) this.#unknown.add(id);
      }
      if (hasBeside || this.#beside[slot] === 1) this.#copyBeside(from, i, slot);
      this.receivedAt[slot] = now;
      this.changedAt[slot] = version;
    }
    return reconsider;
  }

  /** From here on a host sends its full picture; {@link endPicture} drops what was not in it. */
  beginPicture(host: string): void {
    this.#generation[this.#indexOf(host)]!++;
  }
  endPicture(host: string): void {
    const index = this.#indexOf(host);
    const generation = this.#generation[index]!;
    this.#drop((slot) => this.#host[slot] === index && this.#seen[slot] !== generation, ReadOutcome.notOwned);
  }

  /** S1: what a host sent is worth nothing once it is silent. */
  lose(host: string): void {
    const index = this.#indexOf(host);
    this.#drop((slot) => this.#host[slot] === index, ReadOutcome.hostLost);
  }
  /** Rows that no host has sent, once all have had their say. */
  settle(outcome: ReadOutcome): void {
    this.#drop((slot) => this.columns.outcome[slot] === ReadOutcome.pending, outcome);
  }

  /** Hashes that rows have and nobody has described yet. */
  takeUndescribed(): bigint[] {
    const hashes = [...this.#unknown];
    this.#unknown.clear();
    return hashes;
  }
  wantDescribed(hashes: Iterable<bigint>): void {
    for (const hash of hashes) this.#unknown.add(hash);
  }
  /** Rows with these descriptions count as changed: they are due with what they are measured in. */
  describe(metas: ReadonlyMap<bigint, ChannelMeta>): void {
    if (metas.size === 0) return;
    const version = ++this.version;
    for (const [hash, meta] of metas) this.metas.set(hash, meta);
    for (let slot = 0; slot < this.size; slot++) {
      if (this.columns.metaHash[slot] === 0n || !metas.has(this.columns.metaHash[slot]!)) continue;
      this.describedAt[slot] = version;
      this.changedAt[slot] = version;
    }
  }

  /** Rows with a name whose last change was after `since` and not after `to`, ascending. */
  changedSince(since: number, to = this.version): Int32Array {
    const { changedAt, size } = this;
    const slots = this.#found;
    let found = 0;
    for (let slot = 0; slot < size; slot++) if (changedAt[slot]! > since && changedAt[slot]! <= to && this.#names[slot] !== undefined) slots[found++] = slot;
    return slots.slice(0, found);
  }

  #drop(which: (slot: number) => boolean, outcome: ReadOutcome): void {
    const version = ++this.version;
    const { columns } = this;
    for (let slot = 0; slot < this.size; slot++) {
      if (!which(slot)) continue;
      columns.outcome[slot] = outcome;
      columns.num[slot] = 0;
      columns.timeNs[slot] = 0n;
      columns.access[slot] = 0;
      this.#clearBeside(slot);
      this.#host[slot] = nobody;
      this.changedAt[slot] = version;
    }
  }

  #copyBeside(from: ValueColumns, i: number, slot: number): void {
    const { text, bytes, rawText } = this.columns;
    this.#clearBeside(slot);
    const itsText = from.text.get(i);
    const itsBytes = from.bytes.get(i);
    if (itsText !== undefined) text.set(slot, itsText);
    if (itsBytes !== undefined) bytes.set(slot, itsBytes);
    if (from.rawText.has(i)) rawText.add(slot);
    this.#beside[slot] = itsText !== undefined || itsBytes !== undefined ? 1 : 0;
  }
  #clearBeside(slot: number): void {
    if (this.#beside[slot] === 0) return;
    this.#beside[slot] = 0;
    this.columns.text.delete(slot);
    this.columns.bytes.delete(slot);
    this.columns.rawText.delete(slot);
  }

  #indexOf(host: string): number {
    let index = this.#hostIndex.get(host);
    if (index === undefined) this.#hostIndex.set(host, (index = this.#generation.push(0) - 1));
    return index;
  }

  #slotOf(id: number): number {
    if (id >= this.#slotOfId.length) {
      const grown = new Int32Array(Math.max(id + 1, 2 * this.#slotOfId.length)).fill(none);
      grown.set(this.#slotOfId);
      this.#slotOfId = grown;
    }
    let slot = this.#slotOfId[id]!;
    if (slot !== none) return slot;
    slot = this.#slotOfId[id] = this.size++;
    if (slot >= this.changedAt.length) this.#grow(Math.max(1_024, 2 * slot));
    this.columns.channel[slot] = id;
    this.changedAt[slot] = this.version;
    return slot;
  }

  #grow(length: number): void {
    const before = this.columns;
    const after: Growing = { ...emptyValueColumns(length), text: before.text, bytes: before.bytes, rawText: before.rawText };
    for (const key of ['channel', 'outcome', 'kind', 'severity', 'status', 'timeNs', 'num', 'code', 'metaHash', 'access'] as const) (after[key] as Uint8Array).set(before[key] as Uint8Array);
    this.columns = after;
    this.#words = { time: words(after.timeNs), hash: words(after.metaHash) };
    const grown = <A extends Uint8Array | Uint16Array | Uint32Array | Float64Array>(to: A, old: A): A => {
      to.set(old);
      return to;
    };
    this.changedAt = grown(new Float64Array(length), this.changedAt);
    this.describedAt = grown(new Float64Array(length), this.describedAt);
    this.receivedAt = grown(new Float64Array(length), this.receivedAt);
    this.#host = grown(new Uint16Array(length), this.#host);
    this.#seen = grown(new Uint32Array(length), this.#seen);
    this.#found = new Int32Array(length);
    this.#beside = grown(new Uint8Array(length), this.#beside);
  }
}

/** A bigint per row would cost more than everything else. */
function words(column: BigInt64Array): Uint32Array {
  return new Uint32Array(column.buffer, column.byteOffset, 2 * column.length);
}
