/**
 * One virtual circuit: a TCP connection to an IOC at one priority. Speaks the handshake, cuts the
 * stream into messages, and watches for silence with echoes. Hostile bytes close this circuit, with
 * the reason, and nothing else.
 *
 * A silent circuit is announced and kept: an IOC that was only stopped for a while is back at once.
 */
import { connect, type Socket } from 'node:net';
import { now } from '../clock.ts';
import { Counter } from '../counters.ts';
import { Command, minorVersion } from '../protocol/commands.ts';
import { type Frame, Framer } from '../protocol/frames.ts';
import { bareMessage, textMessage } from '../protocol/header.ts';
import { HostileBytes } from '../protocol/hostile.ts';
import type { ThreadContext } from './context.ts';
import { restMs } from './rests.ts';

export interface CircuitRole {
  /** The IOC has spoken for the first time. */
  up(): void;
  /** Closed for good; not called for {@link Circuit.discard}. */
  down(reason: string, wasUp: boolean): void;
  unresponsive(silentMs: number): void;
  responsive(): void;
  /** Messages other than version and echo. */
  frame(frame: Frame): void;
  /** All that came in one piece has been handed on. */
  settled(): void;
  /** Whether an answer may be on its way: then every packet is looked at when it comes. */
  awaitsAnswer(): boolean;
}

/** More than one echo under way only happens when `alive` is asked again and again of a hung IOC. */
const maxEchoes = 8;
/** A circuit on which events poured in rests on until it has been quiet for so long; and it does not before it was left alone for so long. */
const quietMs = 250;
/** A receive window that was never widened holds 64 KB: a piece like this may mean that the IOC waits for room. */
const muchBytes = 48 * 1024;

export class Circuit {
  readonly priority: number;
  /** The IOC's minor protocol version, known before any channel is. */
  minor = 0;
  isUp = false;
  isSilent = false;
  closed = false;
  lastReceivedAt: number;
  readonly #context: ThreadContext;
  readonly #role: CircuitRole;
  readonly #socket: Socket;
  readonly #framer: Framer;
  readonly #openedAt: number;
  readonly #connectTimeoutMs: number;
  #reason = 'the IOC closed the connection';
  #echoesSent = 0;
  #echoesBack = 0;
  #echoSentAt = 0;
  #resting = false;
  #pours = false;
  #sentAt: number;
  readonly #waiting: { echo: number; done: (alive: boolean) => void }[] = [];

  constructor(context: ThreadContext, host: string, port: number, priority: number, role: CircuitRole) {
    this.#context = context;
    this.#role = role;
    this.priority = priority;
    this.#openedAt = this.#sentAt = this.lastReceivedAt = now();
    this.#connectTimeoutMs = Math.min(context.options.environment.connectionTimeout * 1000, 5000);
    this.#framer = new Framer(context.receive, context.payloadLimit, (frame) => this.#take(frame));
    this.#socket = connect({
      host, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: 30_000,
      onread: { buffer: context.receive.target, callback: (length) => this.#received(length) },
    });
    this.#socket.on('error', (error) => (this.#reason = error.message));
    this.#socket.on('close', () => this.#ended());
    context.counters[Counter.circuits]! += 1;
    // The echo is answered even by an IOC too old to greet; Node holds all this until connected.
    this.send(Buffer.concat([
      bareMessage(Command.version, priority, minorVersion),
      textMessage(Command.clientName, context.user, 0, 0, 0),
      textMessage(Command.hostName, context.host, 0, 0, 0),
    ]));
    this.#echo();
  }

  /** @param taken Called when the bytes may be changed again. */
  send(bytes: Uint8Array, taken?: () => void): void {
    if (this.closed) {
      taken?.();
      return;
    }
    this.wake();
    this.#sentAt = now();
    this.#socket.write(bytes, taken);
  }

  /** Reads again after a rest (see rests.ts). */
  wake(): void {
    if (!this.#resting) return;
    this.#resting = false;
    if (!this.closed) this.#socket.resume();
  }

  /** Nothing may have come when it was woken. */
  settle(): void {
    const at = now();
    this.#pours &&= at - this.lastReceivedAt < quietMs;
    if (!this.#pours || !this.#mayRest(at)) return;
    this.#resting = true;
    this.#socket.pause();
    this.#context.rests.add(this);
  }

  /** Bytes that the system has not taken yet: the IOC does not read. */
  get backlog(): number {
    return this.#socket.writableLength;
  }

  /** Closes and tells the role why. */
  close(reason: string): void {
    if (this.closed) return;
    this.#reason = reason;
    this.#socket.destroy();
    this.#ended();
  }

  /** Closes without a word. */
  discard(): void {
    if (this.closed) return;
    this.closed = true;
    this.#context.counters[Counter.circuits]! -= 1;
    this.#socket.destroy();
    this.#answerAll();
  }

  /** Answers true once an echo sent now has come back. The caller keeps the deadline. */
  probe(done: (alive: boolean) => void): void {
    if (this.closed) {
      done(false);
      return;
    }
    if (this.#echoesSent - this.#echoesBack < maxEchoes) this.#echo();
    this.#waiting.push({ echo: this.#echoesSent, done });
  }

  /** Forgets a `probe`; whether it was still waiting. */
  abandonProbe(done: (alive: boolean) => void): boolean {
    const at = this.#waiting.findIndex((waiter) => waiter.done === done);
    if (at >= 0) this.#waiting.splice(at, 1);
    return at >= 0;
  }

  /** Called regularly: sends echoes after silence and notices when they stay unanswered. */
  watch(at: number): void {
    if (this.closed) return;
    const { echoIdleMs, echoTimeoutMs } = this.#context.options;
    if (!this.isUp) {
      if (at - this.#openedAt > this.#connectTimeoutMs) this.close(`no answer to the connection within ${this.#connectTimeoutMs} ms`);
      return;
    }
    const silentMs = at - this.lastReceivedAt;
    if (this.#echoesSent === this.#echoesBack) {
      if (silentMs > echoIdleMs) this.#echo();
    } else if (!this.isSilent && silentMs > echoTimeoutMs && at - this.#echoSentAt > echoTimeoutMs) {
      this.isSilent = true;
      this.#role.unresponsive(silentMs);
    }
  }

  #echo(): void {
    // The time of the oldest one unanswered counts.
    if (this.#echoesSent === this.#echoesBack) this.#echoSentAt = now();
    this.#echoesSent++;
    this.send(bareMessage(Command.echo));
  }

  #received(length: number): boolean {
    if (this.closed) return false;
    const at = now();
    this.#pours = at - this.lastReceivedAt < (this.#pours ? quietMs : restMs);
    this.lastReceivedAt = at;
    if (this.isSilent) {
      this.isSilent = false;
      this.#role.responsive();
    }
    try {
      this.#framer.feed(length);
      if (!this.closed) this.#role.settled();
    } catch (error) {
      this.#context.counters[Counter.hostileCircuits]! += 1;
      const what = error instanceof HostileBytes ? error.message : `a message could not be taken: ${(error as Error).message}`;
      this.close(`not Channel Access: ${what}`);
    }
    if (this.#pours && this.#mayRest(at)) {
      this.#resting = true;
      if (length < muchBytes) this.#context.rests.add(this);
      else this.#context.rests.addShortly(this);
    }
    return !this.closed && !this.#resting;
  }

  #mayRest(at: number): boolean {
    return !this.closed && !this.#resting && at - this.#sentAt > quietMs && this.#echoesSent === this.#echoesBack
      && !this.#framer.isGathering && !this.#role.awaitsAnswer();
  }

  #take(frame: Frame): void {
    if (this.closed) return;
    if (frame.command === Command.version) this.minor = frame.count;
    if (!this.isUp) {
      this.isUp = true;
      this.#role.up();
    }
    if (frame.command === Command.echo) this.#echoed();
    else if (frame.command !== Command.version) this.#role.frame(frame);
  }

  #echoed(): void {
    if (this.#echoesBack === this.#echoesSent) throw new HostileBytes('an echo that nobody asked for');
    this.#echoesBack++;
    this.#echoSentAt = now();
    while (this.#waiting.length > 0 && this.#waiting[0]!.echo <= this.#echoesBack) this.#waiting.shift()!.done(true);
  }

  #ended(): void {
    if (this.closed) return;
    this.closed = true;
    this.#context.counters[Counter.circuits]! -= 1;
    this.#answerAll();
    this.#role.down(this.#reason, this.isUp);
  }

  #answerAll(): void {
    for (const waiter of this.#waiting.splice(0)) waiter.done(false);
  }
}
