/** Rows of the snapshot table as summaries. */
import { DreyError } from '../../contracts/errors.ts';
import type { SnapshotQuality, SnapshotScope, SnapshotSummary, StoredMode } from '../../contracts/snapshots.ts';
import type { Session } from './database.ts';
import { knownForm } from './uuid.ts';

export interface SnapshotRow {
  readonly number: number;
  readonly id: string;
  readonly title: string;
  readonly description: string;
  readonly created_by: string;
  readonly created_at: Date;
  readonly modified_at: Date;
  readonly mode: StoredMode;
  readonly kind: SnapshotSummary['kind'];
  readonly scope: SnapshotScope;
  readonly catalogue_revision: number;
  /** Of every entry that the catalogue had. */
  readonly whole: boolean;
  readonly pv_count: number;
  readonly labels: string[];
  readonly golden: boolean;
  readonly origin: string | null;
  readonly quality: SnapshotQuality;
}

/** Without the entry ids, which may be tens of thousands. */
export const snapshotColumns =
  'number, id, title, description, created_by, created_at, modified_at, mode, kind, scope, catalogue_revision, entry_ids is null as whole, pv_count, labels, golden, origin, quality';

export function summaryOf(row: SnapshotRow): SnapshotSummary {
  return {
    id: row.id,
    title: row.title,
    description: row.description,
    createdBy: row.created_by,
    createdDate: row.created_at.toISOString(),
    lastModifiedDate: row.modified_at.toISOString(),
    mode: row.mode,
    scope: row.scope,
    kind: row.kind,
    pvCount: row.pv_count,
    labels: row.labels,
    golden: row.golden,
    origin: row.origin,
    quality: row.quality,
  };
}

export async function readSnapshot(session: Session, id: string): Promise<SnapshotRow> {
  const [row] = await session.rows<SnapshotRow>(`select ${snapshotColumns} from snapshot where id = $1`, [knownForm('snapshot', id)]);
  return row ?? noSnapshot(id);
}

export function noSnapshot(id: string): never {
  throw new DreyError('notFound', `there is no snapshot ${id}`);
}
