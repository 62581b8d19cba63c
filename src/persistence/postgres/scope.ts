/** From what a user asks to capture to the channels to read. */
import { DreyError } from '../../contracts/errors.ts';
import type { SnapshotScope } from '../../contracts/snapshots.ts';
import type { Revisions } from '../port.ts';
import type { Database, Session } from './database.ts';
import { currentChannels } from './directory.ts';
import { unpackInts } from './packed.ts';
import { forever, readRevisions } from './revisions.ts';
import { checkTags, readTags } from './tag-table.ts';
import { isUuid } from './uuid.ts';

export interface Resolved {
  readonly channels: Int32Array;
  readonly entryIds: string[] | null;
  readonly revisions: Revisions;
}

export function resolveScope(database: Database, scope: SnapshotScope): Promise<Resolved> {
  return database.transaction(async (session) => {
    const revisions = await readRevisions(session);
    switch (scope.kind) {
      case 'all':
        return { channels: await packedChannels(session, currentChannels, []), entryIds: null, revisions };
      case 'names':
        return { ...(await ofNames(session, scope.pvNames)), revisions };
      case 'entries':
        return { ...(await ofEntries(session, await existingEntries(session, scope.ids))), revisions };
      case 'tags':
        return { ...(await ofEntries(session, await taggedEntries(session, scope.tags))), revisions };
      default:
        return scope satisfies never;
    }
  }, 'steady');
}

async function packedChannels(session: Session, query: string, values: readonly unknown[]): Promise<Int32Array> {
  const [row] = await session.rows<{ ids: Buffer | null }>(`select string_agg(int4send(id), ''::bytea) as ids from (select distinct id from (${query}) every order by id) x`, values);
  return unpackInts(row!.ids);
}

async function ofEntries(session: Session, entryIds: string[]): Promise<Omit<Resolved, 'revisions'>> {
  const channels = await packedChannels(
    session,
    `select c.id from entry_version v cross join lateral (values (setpoint), (readback), (config)) c(id)
     where v.to_revision = ${forever} and v.entry_id = any($1::uuid[]) and c.id is not null`,
    [entryIds],
  );
  return { channels, entryIds };
}

/** Only the channels named; the entries are those that name them. */
async function ofNames(session: Session, names: readonly string[]): Promise<Omit<Resolved, 'revisions'>> {
  const rows = await session.rows<{ entry_id: string; id: number; name: string }>(
    `select v.entry_id, c.id, c.name from channel c
     join entry_version v on v.to_revision = ${forever} and c.id in (v.setpoint, v.readback, v.config)
     where c.id in (select id from channel where name = any($1::text[] collate "C"))`,
    [names],
  );
  const there = new Set(rows.map((row) => row.name));
  refuseUnknown('channel of the catalogue', names.filter((name) => !there.has(name)), names.length);
  return { channels: Int32Array.from(new Set(rows.map((row) => row.id))).sort(), entryIds: [...new Set(rows.map((row) => row.entry_id))].sort() };
}

async function existingEntries(session: Session, ids: readonly string[]): Promise<string[]> {
  const wanted = [...new Set(ids.map((id) => id.toLowerCase()))];
  const rows = await session.rows<{ entry_id: string }>(
    `select entry_id from entry_version where to_revision = ${forever} and entry_id = any($1::uuid[]) order by entry_id`,
    [wanted.filter(isUuid)],
  );
  const there = new Set(rows.map((row) => row.entry_id));
  refuseUnknown('catalogue entry', wanted.filter((id) => !there.has(id)), wanted.length);
  return rows.map((row) => row.entry_id);
}

async function taggedEntries(session: Session, groups: Readonly<Record<string, readonly string[]>>): Promise<string[]> {
  const sets = Object.values(groups);
  if (sets.length === 0) throw new DreyError('invalid', 'the scope names no tag: name at least one, or take everything');
  const tags = await readTags(session);
  checkTags(sets.flat(), tags);
  for (const [group, ids] of Object.entries(groups)) {
    const stray = ids.find((id) => tags.get(id.toLowerCase())?.groupId !== group.toLowerCase());
    if (stray !== undefined) throw new DreyError('notFound', `tag ${stray} is not in group ${JSON.stringify(group.slice(0, 60))}`);
  }
  const rows = await session.rows<{ entry_id: string }>(
    `select entry_id from entry_version where to_revision = ${forever} and ${sets.map((_, i) => `tags && $${i + 1}::uuid[]`).join(' and ')} order by entry_id`,
    sets,
  );
  return rows.map((row) => row.entry_id);
}

/** D1: says which, up to 100 of them. */
function refuseUnknown(what: string, unknown: readonly string[], of: number): void {
  if (unknown.length === 0) return;
  throw new DreyError('notFound', `${unknown.length} of ${of} do not exist, first: ${JSON.stringify(unknown[0]!.slice(0, 255))} is no ${what}`, {
    faults: unknown.slice(0, 100).map((name) => `no ${what} ${JSON.stringify(name.slice(0, 255))}`),
  });
}
