/** Which of a schedule's own snapshots its retention rule lets go. */
import type { Retention } from '../contracts/automation.ts';
import type { SnapshotSummary } from '../contracts/snapshots.ts';
import { clockFace } from './title-template.ts';

export type Keepable = Pick<SnapshotSummary, 'id' | 'createdDate' | 'labels' | 'golden'>;

/** `all`: newest first. Days are those of the time zone. What is kept for its labels, or as golden, is kept beside what the counts keep. */
export function letGo<S extends Keepable>(all: readonly S[], { keepLast = 0, keepDaily = 0, keepTagged = [] }: Retention, timeZone: string): S[] {
  const days = new Set<string>();
  return all.filter((snapshot, i) => {
    const day = clockFace(new Date(snapshot.createdDate), timeZone).date;
    const isLastOfDay = !days.has(day);
    days.add(day);
    const daily = isLastOfDay && days.size <= keepDaily;
    return !(i < keepLast || daily || snapshot.golden || snapshot.labels.some((label) => keepTagged.includes(label)));
  });
}

/** For the audit log. */
export function retentionText({ keepLast, keepDaily, keepTagged = [] }: Retention): string {
  return [
    ...(keepLast === undefined ? [] : [`the last ${keepLast}`]),
    ...(keepDaily === undefined ? [] : [`one of each of ${keepDaily} days`]),
    ...(keepTagged.length === 0 ? [] : [`those labelled ${keepTagged.join(', ')}`]),
  ].join(', ');
}
