/** One client of the live values: its socket, what it watches, and up to where it has seen. */
import type { WebSocket } from 'ws';
import type { Caller } from '../access.ts';
import type { Batch, Form, Message, Selection, What } from './batch.ts';
import { noWishes } from './catalogue-slots.ts';
import { clientWindowMs } from './messages.ts';

export class LiveClient {
  readonly who: string;
  /** The key that it came in with. */
  readonly keyId: string | null;
  readonly socket: WebSocket;
  /** Anything larger than this waiting in the socket, and the client gets no more until it has taken it. */
  readonly #mostBuffered: number;
  readonly #binary: boolean;
  arrays: 'base64' | 'json' = 'base64';
  windowMs: number = clientWindowMs.usual;
  wishes = noWishes();
  selection: Selection = new Uint8Array(0);
  /** Channels watched. */
  count = 0;
  /** Version of the table that it has seen; 0 = it has no picture yet, and gets no changes. */
  version = 0;
  /** Last sign of life, ms since 1970. */
  heardAt = 0;
  /** Changes of windows that were not sent, by the sum of their rows. */
  #held = 0;
  #windowsHeld = 0;

  constructor(socket: WebSocket, { who, keyId }: Pick<Caller, 'who' | 'keyId'>, options: { binary: boolean; mostBuffered: number; now: number }) {
    this.socket = socket;
    this.who = who;
    this.keyId = keyId;
    this.#binary = options.binary;
    this.#mostBuffered = options.mostBuffered;
    this.heardAt = options.now;
  }

  get form(): Form {
    return this.#binary ? 'columns' : this.arrays;
  }
  get isOpen(): boolean {
    return this.socket.readyState === this.socket.OPEN;
  }
  /** Whether it takes slower than it is sent to. */
  get isBehind(): boolean {
    return this.socket.bufferedAmount > this.#mostBuffered;
  }
  get windowsHeld(): number {
    return this.#windowsHeld;
  }

  say(message: object): void {
    if (this.isOpen) this.socket.send(JSON.stringify(message));
  }
  tell(text: string): void {
    if (this.isOpen) this.socket.send(text);
  }

  /** The window's changes do not go out now: they are due later, with their latest values. */
  hold(changes: Batch): void {
    this.#held += changes.count(this.selection);
    this.#windowsHeld++;
  }

  /** What changed since it was sent to last; `inWindow` = the changes of this window alone. */
  give(changes: Batch, now: number, inWindow?: Batch): void {
    const due = this.#held > 0 ? this.#held + (inWindow?.count(this.selection) ?? 0) : 0;
    const missed = due === 0 ? 0 : Math.max(0, due - changes.count(this.selection));
    this.#held = 0;
    this.#windowsHeld = 0;
    this.version = changes.to;
    if (this.count === 0) return;
    const message = changes.message('diff', this.form, this.selection, now, missed);
    if (message.count > 0) this.#send(message);
  }

  picture(what: What, batch: Batch, selection: Selection, now: number): void {
    if (!this.isOpen) return;
    const message = batch.message(what, this.form, selection, now);
    if (message.count > 0 || what !== 'initial') this.#send(message);
  }

  /** Several parts are fragments of one message. */
  #send({ parts, binary }: Message): void {
    const last = parts.length - 1;
    parts.forEach((part, i) => this.socket.send(part, { binary, fin: i === last }));
  }
}
