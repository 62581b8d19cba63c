/** The name dictionary, and where each channel was found last. */
import type { CatalogueChannel } from '../../contracts/catalogue.ts';
import { DreyError } from '../../contracts/errors.ts';
import type { ChannelPage, Revisions, SetpointInfo } from '../port.ts';
import type { Database, Session } from './database.ts';
import { intArray, unpackInts } from './packed.ts';
import { forever, publishRevision, readRevisions } from './revisions.ts';

/** The channels that current entries name, each once. */
export const currentChannels = `
  select setpoint as id from entry_version where to_revision = ${forever} and setpoint is not null
  union select readback from entry_version where to_revision = ${forever} and readback is not null
  union select config from entry_version where to_revision = ${forever} and config is not null`;

/** Each role by its own index, and no further than the page: what comes after $1, one more than $2 at most. */
const namedBy = (role: string): string => `select ${role} as id from entry_version where to_revision = ${forever} and ${role} > $1`;
const page = `
  select c.id, c.name, i.name as ioc from (select id from (${['setpoint', 'readback', 'config'].map(namedBy).join(' union ')}) u order by id limit $2::int4 + 1) x
  join channel c on c.id = x.id left join directory d on d.channel_id = c.id left join ioc i on i.id = d.ioc_id order by c.id`;

export function pageChannels(database: Database, { after, limit }: ChannelPage): Promise<{ revision: number; channels: CatalogueChannel[]; more: boolean }> {
  return database.transaction(async (session) => {
    const { catalogue } = await readRevisions(session);
    const channels = await session.rows<CatalogueChannel>(page, [after, limit]);
    return { revision: catalogue, channels: channels.slice(0, limit), more: channels.length > limit };
  }, 'steady');
}

/** The same as text: at a start nobody in between need make an object of each of them. */
export function pageChannelsAsJson(database: Database, { after, limit }: ChannelPage): Promise<{ revision: number; channels: string; more: boolean }> {
  return database.transaction(async (session) => {
    const { catalogue } = await readRevisions(session);
    const [found] = await session.rows<{ channels: string | null; count: number }>(
      `with p as materialized (${page})
       select (select string_agg('[' || id || ',' || to_json(name) || ',' || coalesce(to_json(ioc)::text, 'null') || ']', ',' order by id) from (select * from p limit $2) shown) as channels,
         (select count(*)::int4 from p) as count`,
      [after, limit],
    );
    return { revision: catalogue, channels: `[${found!.channels ?? ''}]`, more: found!.count > limit };
  }, 'steady');
}

export function readDirectory(database: Database): Promise<{ channels: Int32Array; iocIndex: Int32Array; iocs: string[]; revisions: Revisions }> {
  return database.transaction(async (session) => {
    const revisions = await readRevisions(session);
    const names = new Map((await session.rows<{ id: number; name: string }>('select id, name from ioc')).map((ioc) => [ioc.id, ioc.name]));
    const [packed] = await session.rows<{ ids: Buffer | null; iocs: Buffer | null }>(
      `select string_agg(int4send(id), ''::bytea) as ids, string_agg(int4send(ioc), ''::bytea) as iocs
       from (select c.id, coalesce(d.ioc_id, 0) as ioc from (${currentChannels}) c left join directory d on d.channel_id = c.id order by c.id) x`,
    );
    const iocIds = unpackInts(packed!.iocs);
    const iocs: string[] = [];
    const indexOf = new Map<number, number>([[0, -1]]);
    const iocIndex = iocIds.map((id) => {
      let index = indexOf.get(id);
      if (index === undefined) {
        index = iocs.push(names.get(id)!) - 1;
        indexOf.set(id, index);
      }
      return index;
    });
    return { channels: unpackInts(packed!.ids), iocIndex, iocs, revisions };
  }, 'steady');
}

export function updateDirectory(database: Database, found: Readonly<Record<string, readonly number[]>>): Promise<void> {
  const iocs = Object.keys(found);
  const channels = iocs.flatMap((ioc) => [...found[ioc]!]);
  if (channels.length === 0) return Promise.resolve();
  const iocOf = iocs.flatMap((ioc, index) => found[ioc]!.map(() => index + 1));
  return database.transaction(async (session) => {
    // The lock keeps two hosts that found the same channels from waiting for each other's rows.
    await session.rows(`select value from revision where name = 'directory' for update`);
    await session.rows('insert into ioc (name) select x from unnest($1::text[]) x where not exists (select from ioc i where i.name = x) on conflict do nothing', [iocs]);
    const changed = await session.rows<{ one: number }>(
      `with moved as (
         insert into directory (channel_id, ioc_id)
         select distinct on (c.id) c.id, i.id from unnest($1::int4[], $2::int4[]) x(channel, at)
         join channel c on c.id = x.channel join ioc i on i.name = ($3::text[])[x.at]
         order by c.id
         on conflict (channel_id) do update set ioc_id = excluded.ioc_id where directory.ioc_id <> excluded.ioc_id
         returning 1
       ) select 1 as one from moved limit 1`,
      [intArray(channels), intArray(iocOf), iocs],
    );
    if (changed.length > 0) await publishRevision(session, 'directory');
  });
}

export async function ensureChannels(database: Database, names: readonly string[]): Promise<Int32Array> {
  await database.rows(
    `insert into channel (name)
     select x.name from unnest($1::text[]) with ordinality x(name, at)
     where not exists (select from channel c where c.name = x.name collate "C")
     group by x.name order by min(x.at)
     on conflict (name) do nothing`,
    [names],
  );
  const rows = await database.rows<{ id: number; name: string }>('select id, name from channel where name = any($1::text[] collate "C")', [names]);
  const ids = new Map(rows.map(({ id, name }) => [name, id]));
  return Int32Array.from(names, (name) => ids.get(name)!);
}

/** Names never change, so those seen once are kept, by id. */
export function createNames(database: Database): (channels: Int32Array) => Promise<string[]> {
  const known: (string | undefined)[] = [];
  return async (channels) => {
    const missing = channels.filter((id) => known[id] === undefined);
    if (missing.length > 0) {
      const rows = await database.rows<{ id: number; name: string }>('select id, name from channel where id = any($1::int4[])', [intArray([...new Set(missing)])]);
      for (const { id, name } of rows) known[id] = name;
    }
    return Array.from(channels, (id) => {
      const name = known[id];
      if (name === undefined) throw new DreyError('notFound', `there is no channel with the id ${id}`);
      return name;
    });
  };
}

export function readSetpoints(session: Session, channels: Int32Array): Promise<SetpointInfo[]> {
  return session.rows<SetpointInfo>(
    `select setpoint as channel, entry_id as "entryId", read_only as "readOnly", abs_tolerance as "absTolerance", rel_tolerance as "relTolerance"
     from entry_version where to_revision = ${forever} and setpoint = any($1::int4[]) order by setpoint`,
    [intArray(channels)],
  );
}
