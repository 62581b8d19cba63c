/**
 * The port to the message bus. Bodies are bytes; JSON and frames are made and read by those who
 * know them (`json`, contracts/frame.ts).
 *
 * What an implementation promises:
 * - It reconnects for ever with growing, jittered pauses, and says so through `onState`.
 * - While disconnected, publishes and requests fail with DreyError `unavailable` within their timeout;
 *   nothing is dropped in silence. Subscriptions and consumers come back by themselves.
 * - A handler that throws or rejects is logged and answered with DreyError `internal`; nobody else suffers.
 */
export interface Bus {
  readonly state: BusState;
  /** Returns how to stop listening. */
  onState(listener: (state: BusState) => void): () => void;
  /** Largest message the server takes, bytes. */
  readonly maxPayload: number;

  publish(subject: string, body: Uint8Array): void;
  /** One answer, or DreyError `unavailable` (nobody there), `timeout`, or what the answerer threw. */
  request(subject: string, body: Uint8Array, timeoutMs: number): Promise<Uint8Array>;
  /** Answers of everybody who hears it: ends after `expect` answers or at the timeout; fewer is no error. */
  requestMany(subject: string, body: Uint8Array, options: { expect: number; timeoutMs: number }): Promise<Uint8Array[]>;
  subscribe(subject: string, handler: (message: BusMessage) => void, options?: { queue?: string }): Subscription;
  /** Answers requests. `undefined` = stay silent (somebody else owns it). */
  answer(subject: string, handler: (body: Uint8Array, subject: string) => Promise<Uint8Array | undefined>, options?: { queue?: string }): Subscription;
  /** Offers endpoints as a NATS service (discoverable, with statistics). Subject of an endpoint = `drey.v1.api.<name>`. */
  serve(service: { name: string; version: string; description: string }, endpoints: Record<string, (body: Uint8Array) => Promise<Uint8Array>>): Promise<Subscription>;
  /** A fresh subject that only this connection hears. */
  inbox(): string;

  /**
   * Stores a message in its stream; resolves when the server has it. `id` = dropped as a duplicate within the stream's
   * window (the answer is the first one's sequence). `after` = only if that is the sequence of the newest message on
   * the subject, 0 for none: else DreyError `conflict`. It orders two that write one log.
   */
  store(subject: string, body: Uint8Array, options?: { id?: string; after?: number }): Promise<{ sequence: number }>;
  /** Takes work items one by one (`concurrency` at a time) from a work-queue stream; durable by name. */
  work(stream: string, consumer: { name: string; filter: string; ackWaitMs: number; concurrency: number }, handler: (item: WorkMessage) => Promise<void>): Promise<Subscription>;
  /** Every message that the stream holds on a subject now, in order. */
  readLog(stream: string, subject: string): Promise<LogMessage[]>;
  /** The same, then everything that comes later, in order, until stopped. */
  followLog(stream: string, subject: string, handler: (message: LogMessage) => void): Promise<Subscription>;
  keyValue(bucket: string): Promise<KeyValue>;

  /** Waits until what was published is with the server. */
  flush(): Promise<void>;
  close(): Promise<void>;
}

export type BusState = 'connected' | 'disconnected' | 'closed';

export interface BusMessage {
  readonly subject: string;
  readonly body: Uint8Array;
}

export interface LogMessage extends BusMessage {
  readonly sequence: number;
}

/** A handler that returns acknowledges the item; one that throws gives it back for later. */
export interface WorkMessage extends BusMessage {
  /** 1 at the first delivery. More: an earlier delivery was not acknowledged, and its work may be half done. */
  readonly delivery: number;
  /** Tells the server that it is still in work; call it well within ackWaitMs. */
  working(): void;
}

export interface Subscription {
  stop(): Promise<void>;
}

export interface KeyValue {
  get(key: string): Promise<{ value: Uint8Array; revision: number } | undefined>;
  keys(): Promise<string[]>;
  put(key: string, value: Uint8Array): Promise<number>;
  /** Fails with DreyError `conflict` if the key exists. */
  create(key: string, value: Uint8Array): Promise<number>;
  /** Compare-and-set: DreyError `conflict` if `revision` is not the newest. */
  update(key: string, value: Uint8Array, revision: number): Promise<number>;
  delete(key: string): Promise<void>;
  /** Every key as it stands (then `ready`), then every change; value undefined = deleted or expired. */
  watch(on: { entry(key: string, value: Uint8Array | undefined, revision: number): void; ready(): void }): Promise<Subscription>;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();
export const json = {
  encode: (value: unknown): Uint8Array => encoder.encode(JSON.stringify(value)),
  decode: <T>(body: Uint8Array): T => JSON.parse(decoder.decode(body)) as T,
};
