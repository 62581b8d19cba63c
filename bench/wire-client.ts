import { libcaOnThisMachine } from '../testing/harness/libca.ts';
import { createLibcaClient } from '../src/channel-access/libca/index.ts';
import { ChannelState } from '../src/channel-access/columns.ts';
import { readCaEnvironment } from '../src/channel-access/environment.ts';
import type { CaOptions, ChannelAccess } from '../src/channel-access/port.ts';
import { WriteOutcome } from '../src/channel-access/port.ts';
import { createWireClient } from '../src/channel-access/wire/index.ts';
import { emptyValueColumns, ReadOutcome, ValueKind, type ValueColumns } from '../src/contracts/values.ts';
import type { Facility } from './world.ts';

/** As much of a facility as a client has to know. */
export type ClientFacility = Pick<Facility, 'names' | 'addressList'> & { readonly iocs: readonly { readonly address: string }[] };

export interface Taken {
  ms: number;
  cpuMs: number;
  [name: string]: number;
}

/** Which of the two clients. */
export type ClientKind = 'wire' | 'libca';

const deadlineMs = 60_000;

export async function startClient(kind: ClientKind, facility: ClientFacility, window: number): Promise<WireClient> {
  if (kind === 'wire') return WireClient.start(facility, window);
  const native = await libcaOnThisMachine();
  return WireClient.start(facility, window, (options) => createLibcaClient({ ...options, ...native }));
}

/** Wall and CPU time of all threads of this process, in which nothing else happens. */
export async function taken(work: () => Promise<void>): Promise<Taken> {
  const started = performance.now();
  const cpu = process.cpuUsage();
  await work();
  const used = process.cpuUsage(cpu);
  return { ms: performance.now() - started, cpuMs: (used.user + used.system) / 1000 };
}

/** By index: a callback for each of 50,000 rows would take a twentieth of what a read does. */
export function expectAll(outcomes: Uint8Array, expected: number, what: 'read' | 'put'): void {
  for (let row = 0; row < outcomes.length; row++) if (outcomes[row] !== expected) throw new Error(`a ${what} had outcome ${outcomes[row]}`);
}

/** A Channel Access client through its port, as the bench drives it: the one in TypeScript unless told otherwise. */
export class WireClient {
  readonly #facility: ClientFacility;
  readonly #window: number;
  readonly #create: (options: CaOptions) => ChannelAccess;
  #access: ChannelAccess | undefined;
  #rows: Int32Array[] = [];
  #changed: (() => void) | undefined;

  private constructor(facility: ClientFacility, window: number, create: (options: CaOptions) => ChannelAccess) {
    this.#facility = facility;
    this.#window = window;
    this.#create = create;
  }

  static async start(facility: ClientFacility, window: number, create: (options: CaOptions) => ChannelAccess = createWireClient): Promise<WireClient> {
    return new WireClient(facility, window, create);
  }

  #environment(): NonNullable<Extract<ReturnType<typeof readCaEnvironment>, { ok: true }>>['environment'] {
    const read = readCaEnvironment({ EPICS_CA_AUTO_ADDR_LIST: 'NO', EPICS_CA_ADDR_LIST: this.#facility.addressList });
    if (!read.ok) throw new Error(JSON.stringify(read.faults));
    return read.environment;
  }

  /** A fresh client each time, as the C program has no warm circuits either. */
  #open(monitor: boolean): void {
    const total = this.#facility.names.reduce((sum, names) => sum + names.length, 0);
    const access = this.#create({ environment: this.#environment(), threads: 1, capacity: total + 1_000, echoIdleMs: 5_000, echoTimeoutMs: 2_000 });
    access.listen(() => this.#changed?.());
    this.#access = access;
    const rows = access.open(this.#facility.names.flat(), { monitor });
    let from = 0;
    this.#rows = this.#facility.names.map((names) => rows.subarray(from, (from += names.length)));
  }

  /** Looks each time that the client reports something. */
  async #until(reached: (access: ChannelAccess, row: number) => boolean, what: string): Promise<void> {
    const access = this.#access!;
    const late = Date.now() + deadlineMs;
    for (const rows of this.#rows) {
      for (const row of rows) {
        while (!reached(access, row)) {
          if (Date.now() > late) throw new Error(`row ${row} (state ${access.columns.state[row]}) is not ${what} after ${deadlineMs / 1000} s`);
          await new Promise<void>((resolve) => {
            const timer = setTimeout(resolve, 1_000);
            this.#changed = () => {
              clearTimeout(timer);
              resolve();
            };
          });
        }
      }
    }
    this.#changed = undefined;
  }

  async connected(): Promise<void> {
    if (this.#access !== undefined) return;
    this.#open(false);
    try {
      await this.#until((access, row) => access.columns.state[row] === ChannelState.connected, 'connected');
    } catch (fault) {
      await this.disconnected();
      throw fault;
    }
    this.#facility.iocs.forEach((ioc, index) => this.#access!.prepareWrites(ioc.address, this.#rows[index]!));
  }

  async disconnected(): Promise<void> {
    await this.#access?.stop();
    this.#access = undefined;
  }

  async get(): Promise<Taken> {
    const access = this.#access!;
    return taken(async () => {
      const answers = await Promise.all(this.#facility.iocs.map((ioc, index) => access.read(ioc.address, this.#rows[index]!, deadlineMs)));
      for (const answer of answers) {
        expectAll(answer.outcome, ReadOutcome.ok, 'read');
        access.recycle(answer);
      }
    });
  }

  #values(rows: Int32Array, first: number, salt: number): ValueColumns {
    const { columns } = this.#access!;
    const values = emptyValueColumns(rows.length);
    rows.forEach((row, index) => {
      const mark = first + index + salt;
      const kind = columns.kind[row]!;
      values.channel[index] = row;
      values.outcome[index] = ReadOutcome.ok;
      values.kind[index] = kind;
      if (kind === ValueKind.text) values.text.set(index, `text ${mark % 1000}`);
      else if (columns.elements[row]! > 1) values.bytes.set(index, new Uint8Array(new Float64Array(columns.elements[row]!).fill((mark % 1000) + 0.5).buffer));
      else values.num[index] = kind === ValueKind.enum ? mark % 2 : kind === ValueKind.int32 ? mark % 1000 : (mark % 1000) + 0.5;
    });
    return values;
  }

  async put(salt: number): Promise<Taken> {
    const access = this.#access!;
    let first = 0;
    const values = this.#rows.map((rows) => {
      const made = this.#values(rows, first, salt);
      first += rows.length;
      return made;
    });
    return taken(async () => {
      const answers = await Promise.all(this.#facility.iocs.map((ioc, index) => access.write(ioc.address, this.#rows[index]!, values[index]!, { deadlineMs, window: this.#window })));
      for (const { outcome } of answers) expectAll(outcome, WriteOutcome.done, 'put');
    });
  }

  async monitorAll(): Promise<Taken> {
    await this.disconnected();
    let connectedMs = 0;
    const figures = await taken(async () => {
      const started = performance.now();
      this.#open(true);
      await this.#until((access, row) => access.columns.state[row] === ChannelState.connected, 'connected');
      connectedMs = performance.now() - started;
      await this.#until((access, row) => access.columns.updates[row]! > 0, 'updated');
    });
    return { ...figures, connectedMs };
  }

  async updates(seconds: number): Promise<{ cpuMs: number; updates: number }> {
    const access = this.#access!;
    const before = access.statistics().updates;
    const { cpuMs } = await taken(() => new Promise((resolve) => setTimeout(resolve, seconds * 1000)));
    return { cpuMs, updates: access.statistics().updates - before };
  }

  stop(): Promise<void> {
    return this.disconnected();
  }
}
