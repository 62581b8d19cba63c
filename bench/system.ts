import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, openSync, closeSync, readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { IocView } from '../src/contracts/iocs.ts';
import type { SnapshotMode, SnapshotSummary } from '../src/contracts/snapshots.ts';
import { findPostgres, freePort, startPostgres, type PostgresServer } from '../src/embedded/index.ts';
import { Database } from './database.ts';
import { Http } from './http.ts';
import { childrenOf, cpuMs, residentMB } from './process-figures.ts';
import type { Facility } from './world.ts';

const project = resolve(import.meta.dirname, '..');
const readyWithinMs = 60_000;

export interface SystemOptions {
  folder: string;
  /** Where CPU profiles go, one per process and thread; undefined = none are made. */
  profiles: string | undefined;
  say: (line: string) => void;
}

/** A whole Drey in a process of its own, on a Postgres that the bench can reach too. */
export class System {
  readonly facility: Facility;
  readonly #postgres: PostgresServer;
  readonly #folder: string;
  readonly #profiles: string | undefined;
  #database: Promise<Database> | undefined;
  #child: ChildProcess | undefined;
  #http: Http | undefined;
  #taken = 0;

  private constructor(facility: Facility, postgres: PostgresServer, { folder, profiles }: SystemOptions) {
    this.facility = facility;
    this.#postgres = postgres;
    this.#folder = folder;
    this.#profiles = profiles;
  }

  /** The bench's own connection; opened late, because Drey makes the tables. */
  database(): Promise<Database> {
    return (this.#database ??= Database.open(this.#postgres.url));
  }

  get total(): number {
    return this.facility.names.reduce((sum, names) => sum + names.length, 0);
  }

  get http(): Http {
    if (this.#http === undefined) throw new Error('the system does not run');
    return this.#http;
  }

  get pid(): number {
    const pid = this.#child?.pid;
    if (pid === undefined) throw new Error('the system does not run');
    return pid;
  }

  /** Starts everything and registers each PV of the facility as a setpoint. */
  static async start(facility: Facility, options: SystemOptions): Promise<System> {
    const { folder, say } = options;
    await mkdir(folder, { recursive: true });
    const { found, version } = await findPostgres({ folder: join(project, '.drey'), environment: process.env, say });
    const postgres = await startPostgres({ programs: found, version, dataFolder: join(folder, 'postgres'), environment: process.env, database: 'drey' });
    const system = new System(facility, postgres, options);
    try {
      await system.boot();
      say(`registering ${system.total} PVs`);
      const { ms } = await system.http.json('POST', '/v1/pvs/multi', facility.names.flat().map((name) => ({ setpointAddress: name, device: name.slice(0, 3), absTolerance: 1e-6 })));
      say(`  registered in ${ms.toFixed(0)} ms`);
      await system.allConnected();
      return system;
    } catch (fault) {
      await system.stop();
      throw fault;
    }
  }

  /** Spawns the process and waits for its HTTP door. */
  async boot(): Promise<void> {
    const port = await freePort();
    const log = openSync(join(this.#folder, 'drey.log'), 'a');
    const data = join(this.#folder, 'data');
    const inherited = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(DREY|EPICS|NATS)_|^DATABASE_URL$/.test(name)));
    // With the young heap and, below, the compile cache of the launcher.
    this.#child = spawn(process.execPath, ['--max-semi-space-size=16', ...(this.#profiles === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${this.#profiles}`]), join(project, 'src', 'main.ts'), 'up', '--no-demo'], {
      cwd: project,
      env: {
        NODE_COMPILE_CACHE: join(project, '.drey', 'compile-cache'),
        ...inherited,
        DREY_PORT: String(port), DREY_DATA: data, DREY_BRING: join(project, '.drey'), DREY_LOG: 'warn', DREY_LOG_FORMAT: 'json',
        DATABASE_URL: this.#postgres.url, EPICS_CA_AUTO_ADDR_LIST: 'NO', EPICS_CA_ADDR_LIST: this.facility.addressList,
      },
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    const url = `http://127.0.0.1:${port}`;
    const keyFile = join(data, 'api-key');
    await this.#until('the HTTP door opens', async () => existsSync(keyFile) && (await fetch(`${url}/health`).then(({ ok }) => ok, () => false)));
    this.#http = new Http(url, readFileSync(keyFile, 'utf8').trim());
  }

  async #until(what: string, reached: () => Promise<boolean>): Promise<void> {
    const late = performance.now() + readyWithinMs;
    while (!(await reached())) {
      if (this.#child?.exitCode !== null) throw new Error(`waiting until ${what}: Drey ended with code ${this.#child?.exitCode}. Its last words: ${this.lastWords()}`);
      if (performance.now() > late) throw new Error(`waited ${readyWithinMs / 1000} s until ${what}. Its last words: ${this.lastWords()}`);
      await new Promise((resolve_) => setTimeout(resolve_, 50));
    }
  }

  lastWords(): string {
    return readFileSync(join(this.#folder, 'drey.log'), 'utf8').slice(-2000);
  }

  async iocs(): Promise<IocView[]> {
    return (await this.http.json<IocView[]>('GET', '/v1/iocs')).body;
  }

  allConnected(): Promise<void> {
    return this.#until(`${this.total} channels are connected and all breakers closed`, async () => {
      const iocs = await this.iocs();
      return iocs.reduce((sum, { channels }) => sum + channels.connected, 0) >= this.total && iocs.every(({ state }) => state === 'closed');
    });
  }

  /** Until a snapshot from the monitored columns finds an update in every row; when that snapshot looked, ms since 1970. */
  async allMonitored(): Promise<number> {
    let lookedAt: string | null = null;
    await this.#until('every channel has had its first update', async () => {
      const { quality } = (await this.snapshot('monitored')).summary;
      lookedAt = quality.lastReadAt;
      return (quality.outcomes['ok'] ?? 0) >= this.total;
    });
    if (lookedAt === null) throw new Error('a monitored snapshot does not say when it was read');
    return Date.parse(lookedAt);
  }

  /** A process started anew on the same data. */
  async restart(): Promise<void> {
    await this.halt();
    await this.boot();
    await this.allConnected();
  }

  /** One request to its answer: taken, stored, queryable. */
  async snapshot(mode: SnapshotMode, more: object = {}): Promise<{ ms: number; cpuMs: number; summary: SnapshotSummary }> {
    const before = cpuMs(this.pid);
    const { ms, body } = await this.http.json<SnapshotSummary>('POST', '/v1/snapshots?async=false', { title: `bench ${++this.#taken}`, mode, ...more });
    return { ms, cpuMs: cpuMs(this.pid) - before, summary: body };
  }

  /** A snapshot of which every row must be read. */
  async whole(mode: SnapshotMode): Promise<{ ms: number; cpuMs: number; summary: SnapshotSummary }> {
    const taken = await this.snapshot(mode);
    const read = taken.summary.quality.outcomes['ok'] ?? 0;
    if (read !== this.total) throw new Error(`a ${mode} snapshot read ${read} of ${this.total} rows: ${JSON.stringify(taken.summary.quality.outcomes)}`);
    return taken;
  }

  /** Drey itself, and nats-server beside it. */
  memory(): { dreyMB: number; natsMB: number } {
    const nats = childrenOf(this.pid).filter(({ name }) => name.startsWith('nats'));
    return { dreyMB: residentMB(this.pid), natsMB: nats.reduce((sum, { pid }) => sum + residentMB(pid), 0) };
  }

  /** Ends the process in order; Postgres stays. */
  async halt(): Promise<void> {
    const child = this.#child;
    this.#http = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((resolve_) => child.once('exit', resolve_));
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), 10_000);
    await ended;
    clearTimeout(timer);
  }

  async stop(): Promise<void> {
    await this.halt();
    await (await this.#database)?.close();
    await this.#postgres.stop();
  }
}
