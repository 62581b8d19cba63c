/** What is read of a Squirrel database. All of it in one unchanging view of it, and nothing is written to it. */
import type { Session } from '../../persistence/postgres/database.ts';

export interface SourceGroup {
  readonly name: string;
  readonly description: string | null;
  readonly tags: readonly { readonly name: string; readonly description: string | null }[];
}

export interface SourcePv {
  readonly id: string;
  readonly setpoint: string | null;
  readonly readback: string | null;
  readonly config: string | null;
  readonly device: string | null;
  readonly description: string | null;
  readonly abs: number;
  readonly rel: number;
  readonly read_only: boolean;
  readonly tags: readonly { readonly group: string; readonly tag: string }[];
}

export interface SourceKey {
  readonly app_name: string;
  readonly token_hash: string;
  readonly is_active: boolean;
  readonly read_access: boolean;
  readonly write_access: boolean;
}

export interface SourceSnapshot {
  readonly id: string;
  readonly title: string;
  readonly description: string | null;
  readonly created_by: string | null;
  readonly created_at: Date;
}

export interface SourceValue {
  readonly pv_id: string;
  /** As JSON text: parsed by the driver, long integers would lose digits. */
  readonly setpoint: string | null;
  readonly readback: string | null;
}

export const wantedTables = ['pv', 'tag', 'tag_group', 'pv_tag', 'snapshot', 'snapshot_value', 'api_key'] as const;

export async function missingTables(session: Session): Promise<string[]> {
  const rows = await session.rows<{ name: string }>('select x.name from unnest($1::text[]) x(name) where to_regclass(quote_ident(x.name)) is null', [wantedTables]);
  return rows.map(({ name }) => name);
}

export const readGroups = (session: Session): Promise<SourceGroup[]> =>
  session.rows<SourceGroup>(
    `select g.name, g.description, coalesce(json_agg(json_build_object('name', t.name, 'description', t.description) order by t.name) filter (where t.id is not null), '[]') as tags
     from tag_group g left join tag t on t.group_id = g.id group by g.id order by g.name`,
  );

export const readPvs = (session: Session): Promise<SourcePv[]> =>
  session.rows<SourcePv>(
    `select p.id::text, setpoint_address as setpoint, readback_address as readback, config_address as config, device, p.description, abs_tolerance as abs, rel_tolerance as rel, read_only,
       coalesce((select json_agg(json_build_object('group', g.name, 'tag', t.name) order by g.name, t.name) from pv_tag x join tag t on t.id = x.tag_id join tag_group g on g.id = t.group_id where x.pv_id = p.id), '[]') as tags
     from pv p order by setpoint_address, readback_address, p.id`,
  );

export const readKeys = (session: Session): Promise<SourceKey[]> =>
  session.rows<SourceKey>('select app_name, token_hash, is_active, read_access, write_access from api_key order by is_active desc, created_at, id');

/** Through JSON, because the text was called `comment` before it was called `description`. */
export const readSnapshots = (session: Session): Promise<SourceSnapshot[]> =>
  session.rows<SourceSnapshot>(`select id::text, title, coalesce(to_jsonb(s)->>'description', to_jsonb(s)->>'comment') as description, created_by, created_at from snapshot s order by created_at, id`);

export const readSavedValues = (session: Session, snapshot: string): Promise<SourceValue[]> =>
  session.rows<SourceValue>('select pv_id::text, setpoint_value::text as setpoint, readback_value::text as readback from snapshot_value where snapshot_id::text = $1 order by pv_name, id', [snapshot]);
