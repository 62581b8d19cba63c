import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';

export interface Counts {
  rows: number;
  bytes: number;
  messages: number;
  missed: number;
  pictures: number;
}

/** A process of the bench beside this one, that is asked and answers in lines. */
export class Beside {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  readonly #reader: Interface;

  constructor(file: string, ...args: (string | number)[]) {
    this.#child = spawn(process.execPath, [join(import.meta.dirname, file), ...args.map(String)], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#reader = createInterface({ input: this.#child.stdout! });
    this.#lines = this.#reader[Symbol.asyncIterator]();
  }

  get pid(): number {
    return this.#child.pid!;
  }

  async line(): Promise<string> {
    const { value, done } = await this.#lines.next();
    if (done) throw new Error('a process of the bench ended before it answered');
    return value;
  }

  async counts(): Promise<Counts> {
    this.#child.stdin!.write('?\n');
    return JSON.parse(await this.line()) as Counts;
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.stdin!.end();
    await ended;
    this.#reader.close();
  }
}

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Starts clients and waits until each has its first picture. */
export async function watching(url: string, key: string, clients: number, form: 'columns' | 'json', windowMs: number): Promise<Beside> {
  const beside = new Beside('live-clients.ts', url, key, clients, form, windowMs);
  for (let looks = 0; (await beside.counts()).pictures < clients; looks++) {
    if (looks > 600) throw new Error(`after a minute only ${(await beside.counts()).pictures} of ${clients} clients have a picture`);
    await pause(100);
  }
  return beside;
}
