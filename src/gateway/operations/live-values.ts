/** Live values by PV name. The gateway touches no PV: the ioc-hosts that watch them answer over the bus. */
import { z } from 'zod';
import type { Hosts } from '../../bus/hosts.ts';
import { describe, readLive } from '../../bus/live.ts';
import type { Bus } from '../../bus/port.ts';
import { DreyError } from '../../contracts/errors.ts';
import type { SnapshotMode } from '../../contracts/snapshots.ts';
import type { ChannelMeta, ValueColumns } from '../../contracts/values.ts';
import type { Clock } from '../../kernel/clock.ts';
import { createRowWriter, textJson } from '../value-json.ts';
import type { ChannelNames } from './channel-names.ts';

export const mostNames = 200_000;
export const pvNames = z.array(z.string().min(1).max(255)).max(mostNames);

/** Descriptions never change under their hash; more than this many are forgotten together. */
const mostMetas = 500_000;

export interface ReadOptions {
  readonly mode: SnapshotMode;
  /** Deadline of one IOC's reads, ms. */
  readonly deadlineMs: number;
}

export interface LiveValues {
  /** One row per channel, in the order given. */
  read(channels: Int32Array, options: ReadOptions): Promise<{ columns: ValueColumns; metas: ReadonlyMap<bigint, ChannelMeta> }>;
  /** {name: value} as JSON text, for names of the catalogue's channels; others say so. */
  byName(names: readonly string[], options: ReadOptions): Promise<string>;
  /** {"values": {name: value}, "count"} as JSON text, of every channel of the catalogue. */
  all(options: ReadOptions): Promise<string>;
}

const unknownName = '{"value":null,"connected":false,"updated_at":null,"status":null,"severity":null,"timestamp":null,"timestampNs":null,"units":null,"precision":null,"labels":null,"limits":null,"enumLabel":null,'
  + '"error":"no catalogue entry has this name","outcome":"notInCatalogue","reason":"no catalogue entry has this name"}';

export function createLiveValues({ bus, hosts, names: channelNames, clock }: { bus: Bus; hosts: Hosts; names: ChannelNames; clock: Clock }): LiveValues {
  const metas = new Map<bigint, ChannelMeta>();

  const read: LiveValues['read'] = async (channels, { mode, deadlineMs }) => {
    // Without the bus the hosts are not known either: rows of "no host" would blame the wrong one.
    if (bus.state !== 'connected') throw new DreyError('unavailable', `live values cannot be had: the bus is ${bus.state}`);
    const columns = await readLive(bus, channels, { mode, deadlineMs, hosts: hosts.names() });
    const missing = new Set<bigint>();
    for (const hash of columns.metaHash) if (hash !== 0n && !metas.has(hash)) missing.add(hash);
    if (missing.size > 0) {
      if (metas.size > mostMetas) metas.clear();
      for (const [hash, meta] of await describe(bus, missing, { hosts: hosts.names() })) metas.set(hash, meta);
    }
    return { columns, metas };
  };

  return {
    read,
    all: async (options) => {
      const { byName } = await channelNames.current();
      const { columns } = await read(Int32Array.from(byName.values(), ({ id }) => id), options);
      const writer = createRowWriter(columns, metas);
      const now = clock.now();
      const values = Array.from(byName.keys(), (name, row) => `${textJson(name)}:${writer.live(row, now)}`);
      return `{"values":{${values.join(',')}},"count":${values.length}}`;
    },
    byName: async (names, options) => {
      const { byName } = await channelNames.current();
      const known = [...new Set(names)].filter((name) => byName.has(name));
      const { columns } = await read(Int32Array.from(known, (name) => byName.get(name)!.id), options);
      const writer = createRowWriter(columns, metas);
      const now = clock.now();
      const values = known.map((name, row) => `${textJson(name)}:${writer.live(row, now)}`);
      const unknown = [...new Set(names)].filter((name) => !byName.has(name)).map((name) => `${textJson(name)}:${unknownName}`);
      return `{${[...values, ...unknown].join(',')}}`;
    },
  };
}
