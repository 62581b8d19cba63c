/**
 * EPICS time (seconds since 1990, nanoseconds) to nanoseconds since 1970, written as two 32-bit
 * words: a BigInt per value would cost more than all the rest of decoding it.
 */
const epicsEpoch = 631_152_000;
const nsPerSecond = 1_000_000_000;
const word = 0x1_0000_0000;

let cachedSeconds = -1;
let cachedLow = 0;
let cachedHigh = 0;

/**
 * Writes the time to the `index`-th 64-bit place of `words` (little-endian). A zero stamp is EPICS'
 * way to say "never processed" and stays zero.
 */
export function writeTime(words: Uint32Array, index: number, seconds: number, nanoseconds: number): void {
  if (seconds === 0 && nanoseconds === 0) {
    words[2 * index] = 0;
    words[2 * index + 1] = 0;
    return;
  }
  if (seconds !== cachedSeconds) cacheSecond(seconds);
  let low = cachedLow + nanoseconds;
  let high = cachedHigh;
  if (low >= word) {
    low -= word;
    high++;
  }
  words[2 * index] = low;
  words[2 * index + 1] = high;
}

// Products are kept below 2^53: the upper and the lower 16 bits of the seconds are scaled apart.
function cacheSecond(seconds: number): void {
  const unix = seconds + epicsEpoch;
  const upper = Math.floor(unix / 65536) * nsPerSecond;
  const lower = (unix % 65536) * nsPerSecond;
  let low = (upper % 65536) * 65536 + (lower % word);
  let high = Math.floor(upper / 65536) + Math.floor(lower / word);
  if (low >= word) {
    low -= word;
    high++;
  }
  cachedSeconds = seconds;
  cachedLow = low;
  cachedHigh = high;
}
