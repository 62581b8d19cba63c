/** Rows of entry_version as catalogue entries. */
import type { CatalogueEntry, Tag } from '../../contracts/catalogue.ts';

export interface EntryRow {
  readonly entry_id: string;
  readonly setpoint_name: string | null;
  readonly readback_name: string | null;
  readonly config_name: string | null;
  readonly device: string;
  readonly description: string;
  readonly abs_tolerance: number;
  readonly rel_tolerance: number;
  readonly read_only: boolean;
  readonly tags: readonly string[];
  readonly created_at: Date;
  readonly modified_at: Date;
}

export const entryColumns =
  'entry_id, setpoint_name, readback_name, config_name, device, description, abs_tolerance, rel_tolerance, read_only, tags, created_at, modified_at';

export function entryOf(row: EntryRow, tags: ReadonlyMap<string, Tag>): CatalogueEntry {
  return {
    id: row.entry_id,
    setpointAddress: row.setpoint_name,
    readbackAddress: row.readback_name,
    configAddress: row.config_name,
    device: row.device,
    description: row.description,
    absTolerance: row.abs_tolerance,
    relTolerance: row.rel_tolerance,
    readOnly: row.read_only,
    tags: row.tags.flatMap((id) => tags.get(id) ?? []),
    createdDate: row.created_at.toISOString(),
    lastModifiedDate: row.modified_at.toISOString(),
  };
}
