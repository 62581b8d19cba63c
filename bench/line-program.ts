import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface, type Interface } from 'node:readline';
import { residentMB } from './process-figures.ts';

/** A process that takes one command per line and answers each with a line of JSON, which says whether it was `good`. */
export class LineProgram {
  readonly #what: string;
  readonly #child: ChildProcess;
  readonly #lines: Interface;
  readonly #answers: AsyncIterator<string>;
  readonly #ended: Promise<unknown>;
  #said = '';

  /** @param what For messages: "the C program". */
  constructor(what: string, command: readonly string[], environment: NodeJS.ProcessEnv) {
    this.#what = what;
    const [program = '', ...args] = command;
    this.#child = spawn(program, args, { env: environment, stdio: ['pipe', 'pipe', 'pipe'] });
    this.#ended = new Promise((resolve) => this.#child.once('close', resolve));
    this.#lines = createInterface({ input: this.#child.stdout! });
    this.#answers = this.#lines[Symbol.asyncIterator]();
    this.#child.stderr!.on('data', (chunk: Buffer) => this.#note(chunk.toString()));
    this.#child.on('error', (fault) => this.#note(fault.message));
    // One that has ended is told by its missing answer.
    this.#child.stdin!.on('error', () => undefined);
  }

  async command<Answer>(text: string): Promise<Answer> {
    this.#child.stdin!.write(`${text}\n`);
    const { value, done } = await this.#answers.next();
    if (done === true) {
      await this.#ended; // with all that it said
      throw new Error(`${this.#what} ended at "${text}". Its last words: ${this.#said}`);
    }
    if ((JSON.parse(value) as { good: boolean }).good) return JSON.parse(value) as Answer;
    throw new Error(`${this.#what} could not finish "${text}": ${value}. Its last words: ${this.#said}`);
  }

  get residentMB(): number {
    return residentMB(this.#child.pid!);
  }

  /** No more commands: so it ends by itself, or after `patienceMs` not by itself. */
  async stop(patienceMs: number): Promise<void> {
    this.#child.stdin!.end();
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), patienceMs);
    await this.#ended;
    clearTimeout(timer);
    this.#lines.close();
  }

  #note(text: string): void {
    this.#said = (this.#said + text).slice(-2000);
  }
}
