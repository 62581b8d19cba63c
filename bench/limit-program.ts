import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../src/embedded/command.ts';
import { LineProgram } from './line-program.ts';

export interface LimitAnswer {
  ms: number;
  cpuMs: number;
  updates: number;
}

/** What one of the C program's commands says of the channels it leaves behind. */
type State = 'disconnected' | 'connected' | 'monitoring';

/** The C program on libca, as a process that takes one command at a time. */
export class LimitProgram {
  readonly #program: LineProgram;
  #state: State = 'disconnected';

  private constructor(program: LineProgram) {
    this.#program = program;
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
    return new LimitProgram(new LineProgram('the C program', [program, path, String(window)], {
      ...process.env, EPICS_CA_AUTO_ADDR_LIST: 'NO', EPICS_CA_ADDR_LIST: addressList, EPICS_ALLOW_POSIX_THREAD_PRIORITY_SCHEDULING: 'NO',
    }));
  }

  /** Brings the channels from any state to the wanted one; the last step's figures. */
  async to(wanted: State): Promise<LimitAnswer | undefined> {
    const steps: Record<State, Record<State, string[]>> = {
      disconnected: { disconnected: [], connected: ['connect'], monitoring: ['connect', 'monitor'] },
      connected: { disconnected: ['disconnect'], connected: [], monitoring: ['monitor'] },
      monitoring: { disconnected: ['unmonitor', 'disconnect'], connected: ['unmonitor'], monitoring: [] },
    };
    let last: LimitAnswer | undefined;
    for (const step of steps[this.#state][wanted]) last = await this.#program.command(step);
    this.#state = wanted;
    return last;
  }

  get residentMB(): number {
    return this.#program.residentMB;
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
    return this.#program.command('get');
  }

  async control(): Promise<LimitAnswer> {
    if (this.#state === 'disconnected') await this.to('connected');
    return this.#program.command('ctrl');
  }

  /** `salt` makes the values differ from those of the last time. */
  async put(salt: number): Promise<LimitAnswer> {
    if (this.#state === 'disconnected') await this.to('connected');
    return this.#program.command(`put ${salt}`);
  }

  async updates(seconds: number): Promise<LimitAnswer> {
    await this.to('monitoring');
    return this.#program.command(`updates ${seconds}`);
  }

  stop(): Promise<void> {
    // libca's own clean-up can wait half a minute for an IOC that does not answer.
    return this.#program.stop(0);
  }
}
