/**
 * Decides who is asked for what and when. Names come in by `add` and `urge` and from the wheel, are
 * asked for in rounds, and return to the wheel when nobody answered.
 */
import type { Destination } from './destination.ts';
import { DuplicateAudit } from './duplicate-audit.ts';
import { Flow, RoundTrip, type Request } from './flow.ts';
import { IdQueue } from './id-queue.ts';
import { SearchFrame } from './messages.ts';
import { NameTable } from './name-table.ts';
import { Round } from './round.ts';

/**
 * In order of priority. I1: a few names that somebody adds by hand do not wait for the hundred
 * thousand of a catalogue, nor these for names that nobody has.
 */
const few = 0, many = 1, urged = 2, due = 3;
const fewNames = 512;
const roundSize = [fewNames, 4096, 2048, 512];
const roundsAtOnce = [8, 8, 2, 1];
/** Requests to one destination that silence alone does not hold back. */
const floors = [12, 8, 4, 1];
const longestSleepMs = 1_000;

export interface SearchFindings {
  found(batch: { readonly ids: Int32Array; readonly iocs: readonly string[] }): void;
  duplicate(id: number, used: string, other: string): void;
}

interface RoundRequest extends Request {
  readonly round: Round;
  readonly sequence: number;
  readonly flow: Flow<RoundRequest>;
}

export class SearchEngine {
  readonly #on: SearchFindings;
  readonly #longestMs: number;
  readonly #table = new NameTable(performance.now());
  readonly #queues = roundSize.map(() => new IdQueue());
  readonly #destinations: Destination[] = [];
  readonly #flows: Flow<RoundRequest>[] = [];
  readonly #roundTrip = new RoundTrip();
  readonly #bySequence = new Map<number, RoundRequest>();
  readonly #servers: string[] = [];
  readonly #serverIndex = new Map<string, number>();
  readonly #audit: DuplicateAudit;
  #rounds: Round[] = [];
  #roundNumber = 0;
  #sequence = Math.floor(Math.random() * 0x7fff_ffff);
  #mostOpen = 64;
  #open = 0;
  #first = 0;
  #foundIds: number[] = [];
  #foundAt: string[] = [];
  #soon: NodeJS.Immediate | undefined;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(maxSearchPeriodSeconds: number, on: SearchFindings) {
    this.#longestMs = maxSearchPeriodSeconds * 1_000;
    this.#on = on;
    this.#audit = new DuplicateAudit(this.#table, this.#destinations);
  }

  /** So many answers fit our own receive buffer. */
  limitOpenRequests(most: number): void {
    this.#mostOpen = Math.max(16, most);
  }

  addDestination(destination: Destination): number {
    this.#flows.push(new Flow());
    this.urge(undefined);
    return this.#destinations.push(destination) - 1;
  }

  add(ids: Int32Array, names: readonly string[]): void {
    const queue = this.#queues[ids.length <= fewNames ? few : many]!;
    for (let index = 0; index < ids.length; index++) {
      const slot = this.#table.add(ids[index]!, names[index]!);
      if (slot >= 0) queue.push(slot);
    }
    this.wake();
  }

  /** Known to be at `ioc` without having been asked for. */
  review(ids: Int32Array, names: readonly string[], ioc: string): void {
    const server = this.#indexOf(ioc);
    for (let index = 0; index < ids.length; index++) {
      const slot = this.#table.add(ids[index]!, names[index]!);
      if (slot < 0) continue;
      this.#table.answered(slot, server, -1, performance.now());
      this.#table.skip(slot);
      this.#audit.add(this.#table.cid(slot));
    }
    this.wake();
  }

  remove(ids: Int32Array): void {
    for (const id of ids) this.#table.release(this.#table.slotOf(id));
  }

  urge(ids: Int32Array | undefined): void {
    const one = (slot: number): void => {
      if (this.#table.urge(slot)) this.#queues[urged]!.push(slot);
    };
    if (ids !== undefined) for (const id of ids) one(this.#table.slotOf(id));
    else for (let slot = 0; slot < this.#table.used; slot++) one(slot);
    this.wake();
  }

  /** An answer: from `ioc`, by way of `destination` (-1: not one that was asked directly). */
  answer(cid: number, ioc: string, destination: number): void {
    const slot = this.#table.slotOfCid(cid);
    if (slot < 0) return;
    const server = this.#indexOf(ioc);
    switch (this.#table.answered(slot, server, destination, performance.now())) {
      case 'found':
        this.#foundIds.push(this.#table.id(slot));
        this.#foundAt.push(ioc);
        this.wake();
        break;
      case 'duplicate':
        this.#on.duplicate(this.#table.id(slot), this.#servers[this.#table.server(slot)]!, ioc);
        break;
      case 'known':
        break;
    }
  }

  /** The request with this number was answered. */
  answeredSequence(sequence: number): void {
    const request = this.#bySequence.get(sequence);
    if (request !== undefined) this.#answered(request);
  }

  /** `destination`, whose answers carry no number, answered for this name. */
  answeredName(destination: number, cid: number): void {
    const request = this.#flows[destination]?.holding(cid);
    if (request !== undefined) this.#answered(request);
  }

  /** The circuit to `destination` is lost with what was under way. */
  abandon(destination: number): void {
    this.#flows[destination]!.abandon((request) => this.#settle(request));
    this.wake();
  }

  stop(): void {
    this.#stopped = true;
    clearImmediate(this.#soon);
    clearTimeout(this.#timer);
  }

  /** Looks for work at the end of this turn of the event loop, once for all that came in it. */
  wake(): void {
    if (this.#stopped || this.#soon !== undefined) return;
    this.#soon = setImmediate(() => {
      this.#soon = undefined;
      this.#turn();
    });
  }

  #turn(): void {
    const now = performance.now();
    this.#reportFound();
    if (this.#stopped) return; // The listener may have stopped us.
    this.#table.advance(now, (slot) => this.#queues[due]!.push(slot));
    for (const flow of this.#flows) flow.expire(now, (request) => this.#settle(request));
    do {
      this.#startRounds();
      this.#send(now);
    } while (this.#finishRounds(now));
    const busy = this.#rounds.some(({ priority }) => priority < due);
    const auditInMs = this.#audit.turn(now, busy);
    this.#sleep(now, auditInMs);
  }

  #reportFound(): void {
    if (this.#foundIds.length === 0) return;
    const batch = { ids: Int32Array.from(this.#foundIds), iocs: this.#foundAt };
    this.#foundIds = [];
    this.#foundAt = [];
    this.#on.found(batch);
  }

  #startRounds(): void {
    if (this.#destinations.length === 0) return;
    for (const [priority, queue] of this.#queues.entries()) {
      let running = this.#rounds.filter((round) => round.priority === priority).length;
      while (queue.size > 0 && running < roundsAtOnce[priority]!) {
        const number = ++this.#roundNumber | 0;
        const slots = queue.take(roundSize[priority]!, (slot) => this.#table.startAsking(slot, number));
        if (slots.length === 0) continue;
        const round = new Round(number, priority, slots, this.#destinations.length);
        const after = this.#rounds.findIndex((other) => other.priority > priority);
        this.#rounds.splice(after < 0 ? this.#rounds.length : after, 0, round);
        running++;
      }
    }
  }

  /** One request to each destination in turn, as long as any has room. */
  #send(now: number): void {
    const count = this.#destinations.length;
    this.#first = count === 0 ? 0 : (this.#first + 1) % count;
    for (let sent = true; sent;) {
      sent = false;
      for (let step = 0; step < count; step++) {
        if (this.#open >= this.#mostOpen) return;
        if (this.#sendOne((this.#first + step) % count, now)) sent = true;
      }
    }
  }

  #sendOne(index: number, now: number): boolean {
    const destination = this.#destinations[index]!;
    const flow = this.#flows[index]!;
    if (!destination.isReady()) return false;
    for (const round of this.#rounds) {
      if (!flow.allows(floors[round.priority]!)) continue;
      let slot = round.peek(index, this.#table);
      if (slot < 0) continue;
      const sequence = (this.#sequence = (this.#sequence % 0x7fff_ffff) + 1);
      const frame = new SearchFrame(destination.numbered ? sequence : undefined);
      while (slot >= 0 && frame.add(this.#table.name(slot), this.#table.cid(slot))) {
        round.taken(index);
        slot = round.peek(index, this.#table);
      }
      const giveUpMs = now + (round.priority === due ? 30 : this.#roundTrip.patienceMs());
      const request: RoundRequest = { round, sequence, flow, cids: frame.cids, sentMs: now, giveUpMs, settled: false };
      flow.sent(request);
      this.#bySequence.set(sequence, request);
      round.open++;
      this.#open++;
      destination.send(frame);
      return true;
    }
    return false;
  }

  #answered(request: RoundRequest): void {
    if (!request.flow.answered(request)) return;
    this.#roundTrip.sample(performance.now() - request.sentMs);
    this.#settle(request);
    this.wake();
  }

  #settle(request: RoundRequest): void {
    this.#bySequence.delete(request.sequence);
    request.round.open--;
    this.#open--;
  }

  /** True when a round went on or ended, so that there may be more to send. */
  #finishRounds(now: number): boolean {
    const isReady = (destination: number): boolean => this.#destinations[destination]!.isReady();
    let changed = false;
    this.#rounds = this.#rounds.filter((round) => {
      const before = round.phase;
      const goesOn = round.advance(isReady, this.#table);
      changed ||= !goesOn || round.phase !== before;
      if (goesOn) return true;
      for (const slot of round.slots()) {
        if (this.#table.isAskedBy(slot, round.number)) this.#table.wait(slot, now, this.#longestMs, Math.random());
        else if (this.#table.wasSkippedBy(slot, round.number)) this.#audit.add(this.#table.cid(slot));
      }
      return false;
    });
    return changed;
  }

  #sleep(now: number, auditInMs: number | undefined): void {
    clearTimeout(this.#timer);
    let ms = Math.min(this.#table.msUntilNext(now, longestSleepMs) ?? Number.POSITIVE_INFINITY, auditInMs ?? Number.POSITIVE_INFINITY);
    for (const flow of this.#flows) if (flow.open > 0) ms = Math.min(ms, flow.nextGiveUpMs() - now);
    if (ms !== Number.POSITIVE_INFINITY) this.#timer = setTimeout(() => this.wake(), Math.max(1, Math.ceil(ms)));
  }

  #indexOf(ioc: string): number {
    let index = this.#serverIndex.get(ioc);
    if (index === undefined) {
      index = this.#servers.push(ioc) - 1;
      this.#serverIndex.set(ioc, index);
    }
    return index;
  }
}
