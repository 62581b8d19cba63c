// A client under test with what a test wants of it: its events kept, signals to wait for, values as
// plain rows. It uses the port and nothing else.
import { readCaEnvironment } from '../../../src/channel-access/environment.ts';
import { ChannelState } from '../../../src/channel-access/columns.ts';
import type { CaEnvironment, CaEvent, CaOptions, ChannelAccess, IocAddress } from '../../../src/channel-access/port.ts';
import { WriteOutcome } from '../../../src/channel-access/port.ts';
import { emptyValueColumns, readOutcomeNames, severityNames, statusNames, ValueKind, valueKindNames, type ChannelMeta, type ValueColumns } from '../../../src/contracts/values.ts';
import { freeUdpPort } from './udp-port.ts';

export type Create = (options: CaOptions) => ChannelAccess;

export interface ClientSetting {
  /** CA server ports on loopback. */
  readonly ports: readonly number[];
  readonly environment?: Partial<CaEnvironment>;
  readonly options?: Partial<Omit<CaOptions, 'environment'>>;
}

/** One row of values, as a test reads it. */
export interface ReadRow {
  readonly outcome: (typeof readOutcomeNames)[number];
  readonly kind: (typeof valueKindNames)[number];
  readonly severity: (typeof severityNames)[number] | undefined;
  readonly status: (typeof statusNames)[number] | undefined;
  readonly timeNs: bigint;
  readonly code: number;
  readonly num: number;
  readonly text: string | undefined;
  readonly bytes: Uint8Array | undefined;
  readonly raw: boolean;
  readonly metaHash: bigint;
}

/** What a test writes: a number, text, an array of numbers with its kind, or bytes that are not valid UTF-8. */
export type Writable = number | string | { readonly kind: ValueKind; readonly array: ArrayBufferView } | { readonly rawText: Uint8Array };

type Kind = CaEvent['kind'];
type EventOf<K extends Kind> = Extract<CaEvent, { kind: K }>;

export class Client implements AsyncDisposable {
  readonly ca: ChannelAccess;
  readonly events: CaEvent[] = [];
  readonly repeaterPort: number;
  readonly #iocOf = new Map<number, IocAddress>();
  #looks: (() => void)[] = [];

  private constructor(ca: ChannelAccess, repeaterPort: number) {
    this.ca = ca;
    this.repeaterPort = repeaterPort;
    ca.listen((event) => {
      this.events.push(event);
      if (event.kind === 'channels.found' || event.kind === 'channels.connected') for (const row of event.rows) this.#iocOf.set(row, event.ioc);
      for (const look of this.#looks) look();
    });
  }

  static async start(create: Create, { ports, environment, options }: ClientSetting): Promise<Client> {
    const read = readCaEnvironment({ EPICS_CA_AUTO_ADDR_LIST: 'NO', EPICS_CA_ADDR_LIST: ports.map((port) => `127.0.0.1:${port}`).join(' '), EPICS_CA_MAX_ARRAY_BYTES: '2000000' });
    if (!read.ok) throw new Error(JSON.stringify(read.faults));
    const repeaterPort = environment?.repeaterPort ?? await freeUdpPort();
    return new Client(create({
      environment: { ...read.environment, repeaterPort, ...environment }, threads: 1, capacity: 20_000, echoIdleMs: 200, echoTimeoutMs: 400, ...options,
    }), repeaterPort);
  }

  /** Opens and waits until all are connected. */
  async connect(names: readonly string[], options: { monitor?: boolean; withinMs?: number } = {}): Promise<Int32Array> {
    const rows = this.ca.open(names, { monitor: options.monitor ?? false });
    await this.connected(rows, options.withinMs);
    return rows;
  }

  async connected(rows: Int32Array, withinMs = 10_000): Promise<void> {
    await this.until(() => rows.every((row) => this.ca.columns.state[row] === ChannelState.connected), {
      saying: `${rows.length} channels to connect`, withinMs,
    });
  }

  iocOf(row: number): IocAddress {
    const ioc = this.#iocOf.get(row);
    if (ioc === undefined) throw new Error(`row ${row} was never found`);
    return ioc;
  }

  /** Rows of one IOC. */
  async read(rows: Int32Array, deadlineMs = 3_000): Promise<ReadRow[]> {
    return rowsOf(await this.ca.read(this.iocOf(rows[0]!), rows, deadlineMs));
  }

  async readOne(row: number, deadlineMs = 3_000): Promise<ReadRow> {
    return (await this.read(Int32Array.of(row), deadlineMs))[0]!;
  }

  /** The name of the outcome, with the code if there is one. */
  async write(row: number, value: Writable, deadlineMs = 3_000): Promise<string> {
    return (await this.writeAll(Int32Array.of(row), [value], { deadlineMs, window: 16 }))[0]!;
  }

  async writeAll(rows: Int32Array, values: readonly Writable[], options: { deadlineMs: number; window: number }): Promise<string[]> {
    const result = await this.ca.write(this.iocOf(rows[0]!), rows, writables(values), options);
    return Array.from(result.outcome, (outcome, i) => `${writeOutcomeName(outcome)}${result.code[i] === 0 ? '' : ` ${result.code[i]}`}`);
  }

  monitored(row: number): ReadRow {
    return rowsOf(this.ca.monitored(Int32Array.of(row)))[0]!;
  }

  async metaOf(row: number): Promise<ChannelMeta> {
    return this.until(() => this.ca.meta(this.ca.columns.metaHash[row]!), { saying: `row ${row} to be described` });
  }

  /** Waits for an event, also one that came before, but not before `from`. */
  async seen<K extends Kind>(kind: K, { saying, where = () => true, from = 0, withinMs = 5_000 }: { saying: string; where?: (event: EventOf<K>) => boolean; from?: number; withinMs?: number }): Promise<EventOf<K>> {
    const matching = (event: CaEvent): event is EventOf<K> => event.kind === kind && where(event as EventOf<K>);
    return this.until(() => this.events.slice(from).find(matching), { saying, withinMs });
  }

  of<K extends Kind>(kind: K, from = 0): EventOf<K>[] {
    return this.events.slice(from).filter((event): event is EventOf<K> => event.kind === kind);
  }

  /** Looks at every event and, for what the columns show without one, every few ms. */
  async until<T>(check: () => T | undefined | false, { saying, withinMs = 5_000 }: { saying: string; withinMs?: number }): Promise<NonNullable<Exclude<T, false>>> {
    try {
      return await new Promise((resolve, reject) => {
        const look = (): void => {
          const seen = check();
          if (seen === undefined || seen === null || seen === false) return;
          finish();
          resolve(seen as NonNullable<Exclude<T, false>>);
        };
        const finish = (): void => {
          clearInterval(regularly);
          clearTimeout(late);
          this.#looks = this.#looks.filter((other) => other !== look);
        };
        const regularly = setInterval(look, 5);
        const late = setTimeout(() => {
          finish();
          reject(new Error(`waited ${withinMs} ms for ${saying}; last events: ${this.events.filter(({ kind }) => kind !== 'pulse').slice(-12).map(brief).join(', ')}`));
        }, withinMs);
        this.#looks.push(look);
        look();
      });
    } catch (error) {
      // The stack of the promise's executor says nothing of the test that waited.
      throw new Error((error as Error).message, { cause: error });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.ca.stop();
  }
}

function brief(event: CaEvent): string {
  const { kind } = event;
  const rows = 'rows' in event ? ` ${event.rows.length} rows` : '';
  const ioc = 'ioc' in event ? ` ${event.ioc}` : '';
  const reason = 'reason' in event ? ` (${event.reason})` : '';
  return `${kind}${ioc}${rows}${reason}`;
}

export function rowsOf(values: ValueColumns): ReadRow[] {
  return Array.from({ length: values.length }, (_, i) => ({
    outcome: readOutcomeNames[values.outcome[i]!]!,
    kind: valueKindNames[values.kind[i]!]!,
    severity: severityNames[values.severity[i]!],
    status: statusNames[values.status[i]!],
    timeNs: values.timeNs[i]!,
    code: values.code[i]!,
    num: values.num[i]!,
    text: values.text.get(i),
    bytes: values.bytes.get(i),
    raw: values.rawText.has(i),
    metaHash: values.metaHash[i]!,
  }));
}

export function writables(values: readonly Writable[]): ValueColumns {
  const columns = emptyValueColumns(values.length);
  values.forEach((value, i) => {
    if (typeof value === 'number') {
      columns.kind[i] = ValueKind.double;
      columns.num[i] = value;
    } else if (typeof value === 'string') {
      columns.kind[i] = ValueKind.text;
      columns.text.set(i, value);
    } else if ('rawText' in value) {
      columns.kind[i] = ValueKind.text;
      columns.text.set(i, Buffer.from(value.rawText).toString('utf8'));
      columns.bytes.set(i, value.rawText);
      columns.rawText.add(i);
    } else {
      columns.kind[i] = value.kind;
      columns.bytes.set(i, new Uint8Array(value.array.buffer, value.array.byteOffset, value.array.byteLength));
    }
  });
  return columns;
}

export function writeOutcomeName(outcome: number): string {
  return Object.entries(WriteOutcome).find(([, number]) => number === outcome)?.[0] ?? `outcome ${outcome}`;
}

/** What a scalar of this kind reads as, whatever it is. */
export function valueOf(row: ReadRow): unknown {
  if (row.bytes !== undefined && !row.raw) return row.bytes;
  return row.kind === 'text' ? row.text : row.num;
}
