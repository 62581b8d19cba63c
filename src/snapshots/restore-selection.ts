/**
 * Which rows of a snapshot a restore is about. No selection = every entry whose setpoint the snapshot
 * holds; an empty one = nothing (R1). Ids and names that the snapshot does not hold are an error.
 */
import { DreyError } from '../contracts/errors.ts';
import type { RestoreRequest } from '../contracts/restores.ts';

const mostFaults = 100;

export interface SelectableEntry {
  readonly entryId: string;
  readonly setpoint: { readonly name: string; readonly row: number } | null;
  readonly readback: { readonly name: string } | null;
  readonly config: { readonly name: string } | null;
}

export interface RestoreSelection<Entry> {
  /** Each with a setpoint row in the snapshot, in the snapshot's order. */
  readonly rows: readonly Entry[];
  /** Asked for by id, and there is no setpoint to write. */
  readonly withoutSetpoint: readonly Entry[];
}

export function selectForRestore<Entry extends SelectableEntry>(entries: readonly Entry[], request: Pick<RestoreRequest, 'pvIds' | 'pvNames'>): RestoreSelection<Entry> {
  const writable = (entry: Entry): boolean => entry.setpoint !== null && entry.setpoint.row >= 0;
  if (request.pvIds === undefined && request.pvNames === undefined) return { rows: entries.filter(writable), withoutSetpoint: [] };

  const ids = new Set(request.pvIds);
  const names = new Set(request.pvNames);
  const chosen = entries.filter((entry) => ids.has(entry.entryId) || (entry.setpoint !== null && names.has(entry.setpoint.name)));
  for (const { entryId, setpoint } of chosen) {
    ids.delete(entryId);
    if (setpoint) names.delete(setpoint.name);
  }
  const unknown = [...[...ids].map((id) => `no entry "${id}"`), ...[...names].map((name) => `no setpoint "${name}"`)];
  if (unknown.length > 0) {
    throw new DreyError('notFound', `the snapshot does not hold ${unknown.length} of the rows asked for: ${unknown[0]}${unknown.length > 1 ? ', …' : ''}`, { faults: unknown.slice(0, mostFaults) });
  }
  return { rows: chosen.filter(writable), withoutSetpoint: chosen.filter((entry) => !writable(entry)) };
}
