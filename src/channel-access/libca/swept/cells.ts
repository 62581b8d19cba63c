/**
 * Where libca writes answers to: memory of the C library, a cell for the value of each channel, and
 * some for descriptions. libca copies what has come straight into them, so no code is needed for it;
 * but it says neither how long the answer was nor that there was one: cells are filled before they
 * are asked for, and looked at afterwards (see value-rounds.ts).
 */
import koffi from 'koffi';
import type { Views } from '../decode.ts';
import type { LibC, Pointer } from '../ffi.ts';

/** The largest scalar with its time stamp is text: 52 bytes. */
export const cellBytes = 56;
/** The largest description: enum labels. */
const descriptionBytes = 424;
const descriptions = 2_048;
/** One value on its way out, or a number on its way in. */
const scratchBytes = 64;

export class Cells implements Views {
  readonly base: Pointer;
  readonly scratch = 0;
  /** Where answers end that only show that there was one. */
  readonly sink = scratchBytes;
  readonly u8: Buffer;
  readonly i16: Int16Array;
  readonly u16: Uint16Array;
  readonly i32: Int32Array;
  readonly u32: Uint32Array;
  readonly f32: Float32Array;
  readonly f64: Float64Array;
  readonly #c: LibC;
  readonly #descriptions: number;
  readonly #values: number;
  readonly #freeDescriptions: number[] = [];

  /** @param slots Channels at the same time. Pages are touched only as slots are used. */
  constructor(c: LibC, slots: number) {
    this.#c = c;
    this.#descriptions = 2 * scratchBytes;
    this.#values = this.#descriptions + descriptions * descriptionBytes;
    const size = this.#values + slots * cellBytes;
    this.base = c.calloc(1, size);
    if (this.base === 0) throw new Error(`no memory for ${slots} channels: ${size} bytes were asked for`);
    const memory = koffi.view(this.base, size);
    this.u8 = Buffer.from(memory);
    this.i16 = new Int16Array(memory);
    this.u16 = new Uint16Array(memory);
    this.i32 = new Int32Array(memory);
    this.u32 = new Uint32Array(memory);
    this.f32 = new Float32Array(memory);
    this.f64 = new Float64Array(memory);
    for (let i = descriptions - 1; i >= 0; i--) this.#freeDescriptions.push(this.#descriptions + i * descriptionBytes);
  }

  free(): void {
    this.#c.free(this.base);
  }

  /** Place of a channel's value, as an offset; libca is given `base` + this. */
  value(slot: number): number {
    return this.#values + slot * cellBytes;
  }

  takeDescription(): number | undefined {
    return this.#freeDescriptions.pop();
  }

  returnDescription(place: number): void {
    this.#freeDescriptions.push(place);
  }

  /** Marks a place: nothing has been written here. */
  mark(place: number): void {
    this.u32[place >> 2] = unwritten;
  }

  isMarked(place: number): boolean {
    return this.u32[place >> 2] === unwritten;
  }

  /** Reads a pointer that libca wrote to the scratch place. */
  scratchPointer(): Pointer {
    return this.u32[this.scratch >> 2]! + this.u32[(this.scratch >> 2) + 1]! * 0x1_0000_0000;
  }

  scratchNumber(): number {
    return this.u32[this.scratch >> 2]!;
  }
}

/** Every answer begins with status and severity; neither is ever -1. */
export const unwritten = 0xffff_ffff;
