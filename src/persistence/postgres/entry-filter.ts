/** Which entries a filter lets through, as SQL on entry_version: of today's catalogue, or of a snapshot's time. */
import { DreyError } from '../../contracts/errors.ts';
import type { EntryFilter } from '../port.ts';
import { likePattern } from './text-search.ts';
import { isUuid } from './uuid.ts';

const texts = ['setpoint_name', 'readback_name', 'config_name', 'device', 'description'];

/** Conditions that must all hold; their values are added to `values`. `prefix`: of the table, with its dot. */
export function entryFilterCondition(filter: EntryFilter, values: unknown[], prefix = ''): string[] {
  const conditions: string[] = [];
  const parameter = (value: unknown): string => `$${values.push(value)}`;
  if (filter.search !== undefined && filter.search !== '') {
    const pattern = parameter(likePattern(filter.search));
    conditions.push(`(${texts.map((name) => `${prefix}${name} ilike ${pattern}`).join(' or ')})`);
  }
  for (const [group, ids] of Object.entries(filter.tagFilters ?? {})) {
    if (ids.length === 0) continue;
    refuseMalformed(`the tag filter of group ${JSON.stringify(group.slice(0, 60))}`, ids);
    conditions.push(`${prefix}tags && ${parameter(ids)}::uuid[]`);
  }
  if (filter.tags !== undefined && filter.tags.length > 0) {
    refuseMalformed('the tag filter', filter.tags);
    conditions.push(`${prefix}tags && ${parameter(filter.tags)}::uuid[]`);
  }
  if (filter.devices !== undefined && filter.devices.length > 0) conditions.push(`${prefix}device = any(${parameter(filter.devices)}::text[])`);
  return conditions;
}

/** D1 */
function refuseMalformed(what: string, ids: readonly string[]): void {
  const malformed = ids.find((id) => !isUuid(id));
  if (malformed !== undefined) throw new DreyError('badInput', `${what} holds ${JSON.stringify(malformed.slice(0, 60))}, which is no id`);
}
