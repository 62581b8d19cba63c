/** Lets go of a schedule's old snapshots after a new one. What is golden, or kept by its labels, the store itself refuses to delete. */
import { letGo, retentionText } from '../../automation/retention.ts';
import { json, type Bus } from '../../bus/port.ts';
import { DreyError } from '../../contracts/errors.ts';
import type { ScheduleDefinition } from '../../contracts/automation.ts';
import type { SnapshotSummary } from '../../contracts/snapshots.ts';
import { subjects } from '../../contracts/subjects.ts';
import type { Log } from '../../kernel/log.ts';
import type { Persistence, Rule } from '../../persistence/port.ts';

const page = 1_000;

export async function applyRetention({ bus, persistence, log }: { bus: Bus; persistence: Pick<Persistence, 'snapshots' | 'audit'>; log: Log }, rule: Rule<ScheduleDefinition>): Promise<void> {
  const { retention, timeZone } = rule.definition;
  if (retention === null) return;
  const all: SnapshotSummary[] = [];
  for (;;) {
    const { results, totalCount } = await persistence.snapshots.list({ origin: `schedule:${rule.id}` }, { limit: page, offset: all.length });
    all.push(...results);
    if (results.length === 0 || all.length >= totalCount) break;
  }
  for (const { id } of letGo(all, retention, timeZone)) {
    let deleted;
    try {
      deleted = await persistence.snapshots.delete(id, { unlessLabelled: retention.keepTagged ?? [] });
    } catch (error) {
      // Made golden, labelled or deleted a moment ago.
      if (error instanceof DreyError && (error.code === 'conflict' || error.code === 'notFound')) continue;
      throw error;
    }
    if (bus.state === 'connected') bus.publish(subjects.snapshotEvent(id), json.encode({ what: 'deleted', snapshot: deleted }));
    await persistence.audit.record([{ who: `schedule "${rule.name}"`, what: 'snapshots.delete', subject: id, before: deleted, after: null, why: `retention: it keeps ${retentionText(retention)}`, result: 'done' }]);
    log.info({ schedule: rule.name, snapshot: id, title: deleted.title }, 'a snapshot was let go by retention');
  }
}
