import { spawn, type ChildProcess } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { run } from '../src/embedded/command.ts';
import { residentMB } from './process-figures.ts';

export interface LimitAnswer {
  good: boolean;
  ms: number;
  cpuMs: number;
  updates: number;
}

/** What one of the C program's commands says of the channels it leaves behind. */
type State = 'disconnected' | 'connected' | 'monitoring';

/** The C program on libca, as a process that takes one command at a time. */
export class LimitProgram {
  readonly #child: ChildProcess;
  readonly #lines: Interface;
  readonly #answers: AsyncIterator<string>;
  #state: State = 'disconnected';
  #said = '';

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#lines = createInterface({ input: child.stdout! });
    this.#answers = this.#lines[Symbol.asyncIterator]();
    child.stderr!.on('data', (chunk: Buffer) => {
      this.#said = (this.#said + chunk.toString()).slice(-2000);
    });
  }

  /** `libraries` is the folder of the Python package that carries libca and its headers. */
  static async build(libraries: string, folder: string): Promise<string> {
    await mkdir(folder, { recursive: true });
    const program = join(folder, 'limit');
    const include = ['', 'os/Linux', 'compiler/gcc'].map((part) => `-I${join(libraries, 'include', part)}`);
    const library = join(libraries, 'lib');
    const built = await run('cc', ['-O2', '-Wall', '-Wextra', '-o', program, join(import.meta.dirname, 'libca', 'limit.c'), ...include, `-L${library}`, '-lca', '-lCom', `-Wl,-rpath,${library}`, '-pthread'], { timeoutMs: 60_000 });
    if (built.code !== 0) throw new Error(`cc could not build bench/libca/limit.c against ${libraries}: ${built.fault ?? built.stderr.slice(-2000)}`);
    return program;
  }

  static async start(program: string, folder: string, names: readonly (readonly string[])[], addressList: string, window: number): Promise<LimitProgram> {
    const path = join(folder, `names-${names[0]?.[0]?.slice(0, 3) ?? 'none'}`);
    await writeFile(path, names.map((ioc, index) => ioc.map((name) => `${index} ${name}\n`).join('')).join(''));
    const child = spawn(program, [path, String(window)], {
      env: { ...process.env, EPICS_CA_AUTO_ADDR_LIST: 'NO', EPICS_CA_ADDR_LIST: addressList, EPICS_ALLOW_POSIX_THREAD_PRIORITY_SCHEDULING: 'NO' },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    return new LimitProgram(child);
  }

  async #command(text: string): Promise<LimitAnswer> {
    this.#child.stdin!.write(`${text}\n`);
    const { value, done } = await this.#answers.next();
    if (done === true) throw new Error(`the C program ended at "${text}". Its last words: ${this.#said}`);
    const answer = JSON.parse(value) as LimitAnswer;
    if (!answer.good) throw new Error(`the C program could not finish "${text}": ${value}. Its last words: ${this.#said}`);
    return answer;
  }

  /** Brings the channels from any state to the wanted one; the last step's figures. */
  async to(wanted: State): Promise<LimitAnswer | undefined> {
    const steps: Record<State, Record<State, string[]>> = {
      disconnected: { disconnected: [], connected: ['connect'], monitoring: ['connect', 'monitor'] },
      connected: { disconnected: ['disconnect'], connected: [], monitoring: ['monitor'] },
      monitoring: { disconnected: ['unmonitor', 'disconnect'], connected: ['unmonitor'], monitoring: [] },
    };
    let last: LimitAnswer | undefined;
    for (const step of steps[this.#state][wanted]) last = await this.#command(step);
    this.#state = wanted;
    return last;
  }

  get residentMB(): number {
    return residentMB(this.#child.pid!);
  }

  async connect(): Promise<LimitAnswer> {
    await this.to('disconnected');
    return (await this.to('connected'))!;
  }

  async monitor(): Promise<LimitAnswer> {
    await this.to('connected');
    return (await this.to('monitoring'))!;
  }

  async get(): Promise<LimitAnswer> {
    if (this.#state === 'disconnected') await this.to('connected');
    return this.#command('get');
  }

  async control(): Promise<LimitAnswer> {
    if (this.#state === 'disconnected') await this.to('connected');
    return this.#command('ctrl');
  }

  /** `salt` makes the values differ from those of the last time. */
  async put(salt: number): Promise<LimitAnswer> {
    if (this.#state === 'disconnected') await this.to('connected');
    return this.#command(`put ${salt}`);
  }

  async updates(seconds: number): Promise<LimitAnswer> {
    await this.to('monitoring');
    return this.#command(`updates ${seconds}`);
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    // libca's own clean-up can wait half a minute for an IOC that does not answer.
    this.#child.kill('SIGKILL');
    await ended;
    this.#lines.close();
  }
}
