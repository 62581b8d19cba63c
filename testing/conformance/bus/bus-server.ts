/** What a bus conformance test gets, and what it reads and waits with. */
import type { Bus } from '../../../src/bus/port.ts';

export interface BusServer extends AsyncDisposable {
  connect(name?: string): Promise<Bus>;
  /** Ends the server without warning. */
  kill(): Promise<void>;
  /** Brings it back on the same address with what it had stored. */
  revive(): Promise<void>;
}

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
export const text = (body: Uint8Array): string => new TextDecoder().decode(body);

/** Things that arrive one by one, and a way to wait for them without sleeping. */
export interface Seen<T> {
  readonly all: T[];
  push(item: T): void;
  /** Resolves when so many have come. */
  atLeast(count: number, saying: string, withinMs?: number): Promise<T[]>;
}

export function seen<T>(): Seen<T> {
  const all: T[] = [];
  let wake = (): void => {};
  return {
    all,
    push: (item) => {
      all.push(item);
      wake();
    },
    atLeast: (count, saying, withinMs = 10_000) =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error(`waited ${withinMs} ms for ${count} of ${saying}; ${all.length} came: ${JSON.stringify(all).slice(0, 500)}`)), withinMs);
        wake = () => {
          if (all.length < count) return;
          clearTimeout(timer);
          wake = () => {};
          resolve(all);
        };
        wake();
      }),
  };
}
