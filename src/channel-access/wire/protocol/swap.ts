/** Byte order: the wire is big-endian, arrays in columns are little-endian. */

/** Buffer's own swap is native and wins from here on. */
const nativeSwapFrom = 512;

/** Copies `length` bytes and turns the byte order of elements of `size` bytes. */
export function copySwapped(from: Uint8Array, at: number, to: Buffer, start: number, length: number, size: number): void {
  if (size === 1 || length >= nativeSwapFrom) {
    to.set(from.subarray(at, at + length), start);
    const part = to.subarray(start, start + length);
    if (size === 8) part.swap64();
    else if (size === 4) part.swap32();
    else if (size === 2) part.swap16();
    return;
  }
  for (let i = 0; i < length; i += size) {
    for (let j = 0; j < size; j++) to[start + i + j] = from[at + i + size - 1 - j]!;
  }
}

/** The same for elements of 8 bytes, `start` a multiple of 4 and `words` over the bytes of the target. */
export function copySwapped64(from: DataView, at: number, words: Uint32Array, start: number, length: number): void {
  let word = start >> 2;
  for (let i = at; i < at + length; i += 8) {
    words[word++] = from.getUint32(i + 4);
    words[word++] = from.getUint32(i);
  }
}
