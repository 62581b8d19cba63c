/** A CA client beside Drey's own process, as an operator's screen would be. */
import { ChannelState } from '../../src/channel-access/columns.ts';
import { readCaEnvironment } from '../../src/channel-access/environment.ts';
import type { ChannelAccess, WriteOutcome } from '../../src/channel-access/port.ts';
import { createWireClient } from '../../src/channel-access/wire/index.ts';
import { emptyValueColumns, ReadOutcome, ValueKind, type ValueColumns } from '../../src/contracts/values.ts';
import { freePort } from '../../src/embedded/index.ts';
import { eventually } from './eventually.ts';

export interface CaClient extends AsyncDisposable {
  /** Opens and waits until every name is connected. */
  connect(names: readonly string[]): Promise<void>;
  /** Numbers by name; NaN where nothing was read. */
  get(names: readonly string[]): Promise<Map<string, number>>;
  /** Writes with completion; outcomes by name. Numbers go as doubles, number arrays as arrays of doubles. */
  put(values: ReadonlyMap<string, number | string | readonly number[]>): Promise<Map<string, WriteOutcome>>;
}

export async function startCaClient(addressList: string): Promise<CaClient> {
  const read = readCaEnvironment({ EPICS_CA_ADDR_LIST: addressList, EPICS_CA_AUTO_ADDR_LIST: 'NO', EPICS_CA_REPEATER_PORT: String(await freePort()) });
  if (!read.ok) throw new Error(`address list ${addressList}: ${JSON.stringify(read.faults)}`);
  const ca: ChannelAccess = createWireClient({ environment: read.environment, threads: 1, capacity: 200_000, echoIdleMs: 5_000, echoTimeoutMs: 2_000 });
  const rowOf = new Map<string, number>();
  const iocOf = new Map<number, string>();
  ca.listen((event) => {
    if (event.kind === 'channels.connected') for (const row of event.rows) iocOf.set(row, event.ioc);
  });

  const byIoc = (names: readonly string[]): Map<string, { names: string[]; rows: number[] }> => {
    const groups = new Map<string, { names: string[]; rows: number[] }>();
    for (const name of names) {
      const row = rowOf.get(name);
      const ioc = row === undefined ? undefined : iocOf.get(row);
      if (row === undefined || ioc === undefined) throw new Error(`${name} is not connected`);
      const group = groups.get(ioc) ?? { names: [], rows: [] };
      groups.set(ioc, group);
      group.names.push(name);
      group.rows.push(row);
    }
    return groups;
  };

  const client: CaClient = {
    async connect(names) {
      const fresh = names.filter((name) => !rowOf.has(name));
      ca.open(fresh).forEach((row, i) => rowOf.set(fresh[i]!, row));
      await eventually(
        () => {
          const missing = names.filter((name) => ca.columns.state[rowOf.get(name)!] !== ChannelState.connected || !iocOf.has(rowOf.get(name)!));
          return missing.length === 0 ? true : undefined;
        },
        { saying: `${names.length} channels to connect`, withinMs: 30_000, everyMs: 20 },
      );
    },
    async get(names) {
      await client.connect(names);
      const values = new Map<string, number>();
      await Promise.all(
        [...byIoc(names)].map(async ([ioc, group]) => {
          const columns = await ca.read(ioc, Int32Array.from(group.rows), 10_000);
          group.names.forEach((name, i) => values.set(name, columns.outcome[i] === ReadOutcome.ok ? columns.num[i]! : Number.NaN));
        }),
      );
      return values;
    },
    async put(values) {
      await client.connect([...values.keys()]);
      const outcomes = new Map<string, WriteOutcome>();
      await Promise.all(
        [...byIoc([...values.keys()])].map(async ([ioc, group]) => {
          const target: ValueColumns = emptyValueColumns(group.names.length);
          group.names.forEach((name, i) => {
            const value = values.get(name)!;
            target.outcome[i] = ReadOutcome.ok;
            target.kind[i] = typeof value === 'string' ? ValueKind.text : ValueKind.double;
            if (typeof value === 'number') target.num[i] = value;
            else if (typeof value === 'string') target.text.set(i, value);
            else target.bytes.set(i, new Uint8Array(Float64Array.from(value).buffer));
          });
          const { outcome } = await ca.write(ioc, Int32Array.from(group.rows), target, { deadlineMs: 10_000, window: 128 });
          group.names.forEach((name, i) => outcomes.set(name, outcome[i] as WriteOutcome));
        }),
      );
      return outcomes;
    },
    [Symbol.asyncDispose]: () => ca.stop(),
  };
  return client;
}
