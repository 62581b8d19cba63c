/** What a rule takes and what of it is kept, for people: tags by name. */
import type { ScheduleView, TriggerView } from '../contracts/automation.ts';
import type { SnapshotScope } from '../contracts/snapshots.ts';
import { count } from './output.ts';
import type { TagGroup } from './tag-groups.ts';

export function scopeWords(scope: SnapshotScope, groups: readonly TagGroup[]): string {
  switch (scope.kind) {
    case 'all':
      return 'all PVs';
    case 'names':
      return scope.pvNames.length > 3 ? `${scope.pvNames.slice(0, 2).join(', ')}, … ${scope.pvNames.length}` : scope.pvNames.join(', ');
    case 'entries':
      return count(scope.ids.length, 'entry', 'entries');
    case 'tags':
      return Object.entries(scope.tags).map(([id, tags]) => {
        const group = groups.find((one) => one.id === id);
        return `${group?.name ?? id}=${tags.map((tag) => group?.tags.find((one) => one.id === tag)?.name ?? tag).join(',')}`;
      }).join(' ');
  }
}

export function keepsWords(rule: ScheduleView | TriggerView): string {
  if (!('retention' in rule) || rule.retention === null) return 'everything';
  const { keepLast, keepDaily, keepTagged } = rule.retention;
  return [...(keepLast === undefined ? [] : [`last ${keepLast}`]), ...(keepDaily === undefined ? [] : [`${keepDaily} daily`]), ...(keepTagged === undefined ? [] : [`labels ${keepTagged.join(', ')}`])].join(' + ');
}
