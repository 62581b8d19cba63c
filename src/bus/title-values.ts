/** The values of the PVs that a title names, as text. One that cannot be read is left out. */
import { ReadOutcome, ValueKind } from '../contracts/values.ts';
import type { Hosts } from './hosts.ts';
import { describe, readLive } from './live.ts';
import type { Bus } from './port.ts';

export type TitleValues = (names: readonly string[]) => Promise<ReadonlyMap<string, string>>;

/** A title is not worth waiting for longer. */
const deadlineMs = 1_000;
const digits = 7;
const longestText = 80;

export interface TitleValuesDeps {
  readonly bus: Bus;
  readonly hosts: Hosts;
  /** Undefined: the catalogue has no such name. */
  readonly channelOf: (name: string) => Promise<number | undefined>;
  /** Told of, and then the values are missing. */
  readonly onFault: (error: unknown, names: readonly string[]) => void;
}

export function createTitleValues({ bus, hosts, channelOf, onFault }: TitleValuesDeps): TitleValues {
  const read: TitleValues = async (names) => {
    const channels = await Promise.all(names.map(channelOf));
    const known = names.flatMap((name, i) => (channels[i] === undefined ? [] : [{ name, channel: channels[i] }]));
    const columns = await readLive(bus, Int32Array.from(known, ({ channel }) => channel), { mode: 'live', deadlineMs, hosts: hosts.names() });
    const enums = [...columns.metaHash].filter((_, row) => columns.kind[row] === ValueKind.enum);
    const metas = await describe(bus, enums, { hosts: hosts.names(), timeoutMs: deadlineMs });
    const values = new Map<string, string>();
    known.forEach(({ name }, row) => {
      if (columns.outcome[row] !== ReadOutcome.ok || columns.bytes.has(row)) return;
      const number = columns.num[row]!;
      const label = columns.kind[row] === ValueKind.enum ? metas.get(columns.metaHash[row]!)?.labels?.[number] : undefined;
      values.set(name, (columns.text.get(row) ?? label ?? String(Number(number.toPrecision(digits)))).slice(0, longestText));
    });
    return values;
  };
  return async (names) => {
    if (names.length === 0) return new Map();
    return read(names).catch((error: unknown) => {
      onFault(error, names);
      return new Map<string, string>();
    });
  };
}
