import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LineProgram } from './line-program.ts';
import type { ClientFacility, ClientKind, Taken } from './wire-client.ts';

export interface ClientProcessOptions {
  folder: string;
  window: number;
  /** Where CPU profiles go, one per thread; undefined = none are made. */
  profiles: string | undefined;
}

/** One of our clients in a process of its own (see client-program.ts), which measures itself. */
export class ClientProcess {
  readonly #program: LineProgram;

  private constructor(program: LineProgram) {
    this.#program = program;
  }

  static async start(kind: ClientKind, { iocs, names, addressList }: ClientFacility, { folder, window, profiles }: ClientProcessOptions): Promise<ClientProcess> {
    const path = join(folder, `facility-${names[0]?.[0]?.slice(0, 3) ?? 'none'}`);
    await writeFile(path, JSON.stringify({ iocs: iocs.map(({ address }) => ({ address })), names, addressList } satisfies ClientFacility));
    const profiling = profiles === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profiles}`];
    return new ClientProcess(new LineProgram(`the ${kind} client`, [process.execPath, ...profiling, join(import.meta.dirname, 'client-program.ts'), kind, String(window), path], process.env));
  }

  get residentMB(): number {
    return this.#program.residentMB;
  }

  connect(): Promise<void> {
    return this.#program.command('connect');
  }

  disconnect(): Promise<void> {
    return this.#program.command('disconnect');
  }

  get(): Promise<Taken> {
    return this.#program.command('get');
  }

  put(salt: number): Promise<Taken> {
    return this.#program.command(`put ${salt}`);
  }

  monitor(): Promise<Taken & { connectedMs: number }> {
    return this.#program.command('monitor');
  }

  updates(seconds: number): Promise<{ cpuMs: number; updates: number }> {
    return this.#program.command(`updates ${seconds}`);
  }

  /** In order, as profiles are written at the end. */
  stop(): Promise<void> {
    return this.#program.stop(10_000);
  }
}
