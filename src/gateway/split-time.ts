/** A time in ns since 1970 as whole seconds and the ns since, from its two halves: a BigInt per row costs more than all its digits. */
const nsPerSecond = 1_000_000_000;
const word = 2 ** 32;
/** The upper half of the first ns time that has as many digits as those of our centuries: in September 2001. */
const earliest = Math.ceil(1e18 / word);

export class SplitTime {
  second = -1;
  nanos = 0;

  /** False for times of other centuries. */
  read(low: number, high: number): boolean {
    const upper = high | 0;
    if (upper < earliest) return false;
    // The quotient of doubles may be one off; the rest is exact, because its lower half is.
    let second = Math.floor((upper * word + (low >>> 0)) / nsPerSecond);
    let nanos = (low - Math.imul(second, nsPerSecond)) | 0;
    if (nanos < 0) {
      nanos += nsPerSecond;
      second -= 1;
    } else if (nanos >= nsPerSecond) {
      nanos -= nsPerSecond;
      second += 1;
    }
    this.second = second;
    this.nanos = nanos;
    return true;
  }
}
