import { join } from 'node:path';
import { startSoftIoc, type SoftIoc } from '../src/embedded/soft-ioc.ts';
import { ClientProcess } from './client-process.ts';
import { writeStill, writeTicking, type BenchDatabase } from './iocs.ts';
import { LimitProgram } from './limit-program.ts';
import type { BenchSettings } from './settings.ts';
import { System } from './system.ts';
import type { ClientKind } from './wire-client.ts';

export interface Facility {
  iocs: readonly SoftIoc[];
  /** PV names by IOC. */
  names: readonly (readonly string[])[];
  /** For EPICS_CA_ADDR_LIST. */
  addressList: string;
}

export interface WorldParts {
  settings: BenchSettings;
  /** Scratch, removed at the end. */
  folder: string;
  softIoc: readonly string[];
  /** Where profiles go, with --profile. */
  profiles: string;
  /** The compiled C program. */
  limitProgram: string;
  say: (line: string) => void;
}

/** What the rows measure on: each thing is started when the first row asks for it and ends with its stage. */
export class World {
  readonly settings: BenchSettings;
  readonly say: (line: string) => void;
  readonly #parts: WorldParts;
  readonly #things = new Map<string, Promise<{ stop(): Promise<unknown> }>>();

  constructor(parts: WorldParts) {
    this.#parts = parts;
    this.settings = parts.settings;
    this.say = parts.say;
  }

  #once<T extends { stop(): Promise<unknown> }>(key: string, start: () => Promise<T>): Promise<T> {
    let thing = this.#things.get(key) as Promise<T> | undefined;
    if (thing === undefined) {
      thing = start();
      this.#things.set(key, thing);
    }
    return thing;
  }

  async #facility(databases: readonly BenchDatabase[]): Promise<Facility & { stop(): Promise<unknown> }> {
    const iocs = await Promise.all(databases.map((database) => startSoftIoc({ command: this.#parts.softIoc, environment: process.env, databases: [database.path], readyWithinMs: 60_000 })));
    return {
      iocs,
      names: databases.map(({ names }) => names),
      addressList: iocs.map(({ address }) => address).join(' '),
      stop: () => Promise.all(iocs.map((ioc) => ioc.stop())),
    };
  }

  #limitFor(facility: Facility): Promise<LimitProgram> {
    return LimitProgram.start(this.#parts.limitProgram, this.#parts.folder, facility.names, facility.addressList, this.settings.window);
  }

  /** All PVs, none of which changes by itself. */
  still(): Promise<Facility & { stop(): Promise<unknown> }> {
    return this.#once('still', async () => {
      this.say(`starting ${this.settings.iocs} soft IOCs with ${this.settings.iocs * this.settings.pvsPerIoc} PVs`);
      return this.#facility(await writeStill(this.#parts.folder, this.settings.iocs, this.settings.pvsPerIoc));
    });
  }

  /** PVs that change ten times a second: 100,000 updates/s in the full size. */
  ticking(): Promise<Facility & { stop(): Promise<unknown> }> {
    return this.#once('ticking', async () => this.#facility(await writeTicking(this.#parts.folder, this.#tickingIocs, this.settings.pvsPerIoc)));
  }

  /** A fifth of all. */
  get #tickingIocs(): number {
    return Math.max(2, Math.round(this.settings.iocs / 5));
  }

  limit(): Promise<LimitProgram> {
    return this.#once('limit', async () => this.#limitFor(await this.still()));
  }

  /** The C program in a process of its own, whose memory nothing else has used before. */
  async freshLimit(): Promise<LimitProgram> {
    return this.#limitFor(await this.still());
  }

  tickingLimit(): Promise<LimitProgram> {
    return this.#once('tickingLimit', async () => this.#limitFor(await this.ticking()));
  }

  /** A client of ours on the still facility; a row drops it at its end, so that none is there while another is measured. */
  client(kind: ClientKind): Promise<ClientProcess> {
    return this.#once(kind, async () => this.freshClient(kind, await this.still()));
  }

  /** One whose memory nothing else has used before. The caller stops it. */
  freshClient(kind: ClientKind, facility: Facility): Promise<ClientProcess> {
    const { profile, window } = this.settings;
    return ClientProcess.start(kind, facility, { folder: this.#parts.folder, window, profiles: profile ? this.#parts.profiles : undefined });
  }

  /** A whole Drey in a process of its own, watching the still facility. */
  system(): Promise<System> {
    return this.#once('system', async () => System.start(await this.still(), { folder: join(this.#parts.folder, 'system'), profiles: this.settings.profile ? this.#parts.profiles : undefined, say: this.say }));
  }

  /** The same on a facility of which a fifth changes ten times a second. */
  live(): Promise<System> {
    return this.#once('live', async () => {
      const ticking = await this.ticking();
      const { iocs, pvsPerIoc } = this.settings;
      const quiet = await this.#once('quiet', async () => this.#facility(await writeStill(this.#parts.folder, Math.max(1, iocs - this.#tickingIocs), pvsPerIoc)));
      const facility: Facility = { iocs: [...ticking.iocs, ...quiet.iocs], names: [...ticking.names, ...quiet.names], addressList: `${ticking.addressList} ${quiet.addressList}` };
      return System.start(facility, { folder: join(this.#parts.folder, 'live'), profiles: this.settings.profile ? this.#parts.profiles : undefined, say: this.say });
    });
  }

  async drop(...keys: ('live' | 'quiet' | 'ticking' | 'tickingLimit' | 'wire' | 'libca' | 'system' | 'limit' | 'still')[]): Promise<void> {
    for (const key of keys) {
      const thing = this.#things.get(key);
      this.#things.delete(key);
      await (await thing?.catch(() => undefined))?.stop();
    }
  }

  stop(): Promise<void> {
    return this.drop('live', 'system', 'wire', 'libca', 'tickingLimit', 'limit', 'ticking', 'quiet', 'still');
  }
}
