/**
 * Memory that readers have given back, for later reads to be written into. Fresh memory for each of
 * many large reads costs more than it looks: V8 counts it against the heap, and collects all of that
 * after some ten of them.
 */
import type { ValueColumns } from '../../../contracts/values.ts';
import { channelColumn, packedBytes, type PackedValues } from '../packed-values.ts';

/** Smaller ones are had as cheaply anew. */
const leastBytes = 4096;
/** What lies here unused at most. */
const mostBytes = 16 * 1024 * 1024;

type Spare = Pick<PackedValues, 'buffer' | 'heap'>;

export class Spares {
  /** By size, the one used last at the end. */
  readonly #kept = new Map<number, Spare[]>();
  /** What an answer lies in. A WeakMap: most readers give nothing back. */
  readonly #lent = new WeakMap<ValueColumns, PackedValues>();
  #bytes = 0;

  get bytes(): number {
    return this.#bytes;
  }

  /** What the answer to a read of these rows is to be written into. */
  take(rows: Int32Array): PackedValues {
    const size = roomFor(rows.length);
    const { buffer, heap } = this.#pop(size) ?? { buffer: new ArrayBuffer(size), heap: undefined };
    channelColumn(rows.length, buffer).set(rows);
    return { length: rows.length, buffer, heap };
  }

  /** These values lie in that memory. */
  lend(values: ValueColumns, packed: PackedValues): void {
    this.#lent.set(values, packed);
  }

  /** Their reader has finished with them; whoever still looks sees empty columns rather than a later read's. */
  giveBack(values: ValueColumns): void {
    const packed = this.#lent.get(values);
    if (packed === undefined) return;
    this.#lent.delete(values);
    // Whoever has transferred them elsewhere has nothing to give back.
    if (packed.buffer.detached) return;
    const buffer = packed.buffer.transfer();
    const heap = taken(packed.heap);
    const bytes = bytesOf({ buffer, heap });
    if (buffer.byteLength < leastBytes || bytes > mostBytes) return;
    while (this.#bytes + bytes > mostBytes) this.#dropOldest();
    this.#bytes += bytes;
    const same = this.#kept.get(buffer.byteLength) ?? [];
    same.push({ buffer, heap });
    this.#kept.delete(buffer.byteLength);
    this.#kept.set(buffer.byteLength, same);
  }

  #pop(size: number): Spare | undefined {
    const same = this.#kept.get(size);
    const spare = same?.pop();
    if (spare === undefined) return undefined;
    if (same!.length === 0) this.#kept.delete(size);
    this.#bytes -= bytesOf(spare);
    return spare;
  }

  #dropOldest(): void {
    const [size] = this.#kept.keys();
    this.#pop(size!);
  }
}

/** Sizes in steps of an eighth at most, so that reads of about the same size share what they leave. */
export function roomFor(length: number): number {
  const bytes = packedBytes(length);
  const step = Math.max(64, 2 ** (Math.floor(Math.log2(bytes)) - 3));
  return Math.ceil(bytes / step) * step;
}

const bytesOf = ({ buffer, heap }: Spare): number => buffer.byteLength + (heap === undefined ? 0 : heap.entries.byteLength + heap.bytes.byteLength);

/** The whole of a heap, out of the hands that had it. */
function taken(heap: PackedValues['heap']): PackedValues['heap'] {
  const [entries, bytes] = [heap?.entries.buffer, heap?.bytes.buffer] as (ArrayBuffer | undefined)[];
  if (entries === undefined || bytes === undefined || entries.detached || bytes.detached) return undefined;
  return { entries: new Int32Array(entries.transfer()), bytes: new Uint8Array(bytes.transfer()) };
}
