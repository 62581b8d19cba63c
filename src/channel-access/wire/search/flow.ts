/**
 * How many requests may be under way to one destination. Answers open the window, silence closes
 * it: a network that answers is asked fast, one that does not know the names is asked gently, and
 * neither an IOC's receive buffer nor ours overflows. Most requests to most IOCs are rightly left
 * unanswered, so silence frees its place after a while and is no proof of loss.
 */

/** 32 requests are 75 kB in an IOC's receive buffer, which holds 208 kB on an untuned Linux. */
const widest = 32;
const shortestPatienceMs = 5;
const longestPatienceMs = 30;

export interface Request {
  readonly sentMs: number;
  readonly giveUpMs: number;
  readonly cids: readonly number[];
  settled: boolean;
}

/** Smoothed round trip over all destinations of a client: they share its network. */
export class RoundTrip {
  #mean = -1;
  #deviation = 0;

  sample(ms: number): void {
    if (this.#mean < 0) {
      this.#mean = ms;
      this.#deviation = ms / 2;
    } else {
      this.#deviation += (Math.abs(ms - this.#mean) - this.#deviation) / 4;
      this.#mean += (ms - this.#mean) / 8;
    }
  }

  /** How long an answer is waited for before its place is given to another request. */
  patienceMs(): number {
    if (this.#mean < 0) return longestPatienceMs;
    return Math.min(longestPatienceMs, Math.max(shortestPatienceMs, this.#mean + 4 * this.#deviation));
  }
}

export class Flow<R extends Request> {
  #window = 8;
  #requests: R[] = [];
  open = 0;

  /** `floor`: how many are allowed whatever the window says. */
  allows(floor: number): boolean {
    return this.open < Math.max(floor, this.#window);
  }

  sent(request: R): void {
    this.#requests.push(request);
    this.open++;
  }

  /** False when it was answered or given up before. */
  answered(request: R): boolean {
    if (request.settled) return false;
    request.settled = true;
    this.open--;
    this.#window = Math.min(widest, this.#window + 1);
    return true;
  }

  /** The oldest request under way that asked for `cid`. */
  holding(cid: number): R | undefined {
    return this.#requests.find((request) => !request.settled && request.cids.includes(cid));
  }

  /** Gives up what has waited long enough. */
  expire(nowMs: number, gaveUp: (request: R) => void): void {
    let kept = 0;
    for (const request of this.#requests) {
      if (!request.settled && request.giveUpMs <= nowMs) {
        request.settled = true;
        this.open--;
        this.#window = Math.max(1, this.#window / 2);
        gaveUp(request);
      }
      if (!request.settled) this.#requests[kept++] = request;
    }
    this.#requests.length = kept;
  }

  /** Everything under way is lost with its circuit. */
  abandon(gaveUp: (request: R) => void): void {
    this.expire(Number.POSITIVE_INFINITY, gaveUp);
  }

  nextGiveUpMs(): number {
    let soonest = Number.POSITIVE_INFINITY;
    for (const request of this.#requests) if (!request.settled && request.giveUpMs < soonest) soonest = request.giveUpMs;
    return soonest;
  }
}
