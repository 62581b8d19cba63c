/** Makes the job of a rule that has fired: once, whoever else does it at the same time. */
import { fillTitle, parseTitle, pvsOf } from '../../automation/title-template.ts';
import { idOf, submitJobOnce } from '../../bus/jobs.ts';
import { json, type Bus } from '../../bus/port.ts';
import type { TitleValues } from '../../bus/title-values.ts';
import type { ScheduleDefinition, TriggerDefinition } from '../../contracts/automation.ts';
import type { JobRecord } from '../../contracts/jobs.ts';
import { buckets } from '../../contracts/subjects.ts';
import type { Persistence, Rule } from '../../persistence/port.ts';

export interface FireDeps {
  readonly bus: Bus;
  readonly persistence: Pick<Persistence, 'rules' | 'audit'>;
  readonly titleValues: TitleValues;
}

export interface Moment {
  readonly at: Date;
  /** Tells this firing from every other one of the rule. */
  readonly key: string;
  /** For people: what was missed, why it is late. */
  readonly note: string;
}

export type Fire = (rule: Rule<ScheduleDefinition | TriggerDefinition>, moment: Moment) => Promise<void>;

const longestDescription = 4_000;

export function createFire({ bus, persistence, titleValues }: FireDeps): Fire {
  return async (rule, { at, key, note }) => {
    const { id, kind, name, definition: { request, timeZone } } = rule;
    const jobId = idOf(kind, id, key);
    const jobs = await bus.keyValue(buckets.jobs);
    const there = await jobs.get(jobId);
    const parts = parseTitle(request.title);
    const who = `${kind} "${name}"`;
    const title = there === undefined ? fillTitle(parts, at, timeZone, await titleValues(pvsOf(parts))) : titleOf(json.decode<JobRecord>(there.value));
    const description = [request.description, note].filter((text) => text !== '').join('\n').slice(0, longestDescription);
    const origin = { rule: `${kind}:${id}`, name, firedFor: at.toISOString(), note };
    const made = there === undefined && (await submitJobOnce(bus, jobId, { type: 'snapshot_create', request: { ...request, title, description }, origin }, who));
    await persistence.rules.note(id, { lastFiringAt: at.toISOString(), lastJobId: jobId, ...(note === '' ? {} : { lastNote: note }) });
    // Of several coordinators the one that made the job tells of it.
    if (made) await persistence.audit.record([{ who, what: `${kind}s.fire`, subject: id, before: null, after: { jobId, title, firedFor: at.toISOString() }, why: note, result: `job ${jobId}` }]);
  };
}

const titleOf = ({ work }: JobRecord): string => (work.type === 'snapshot_create' ? work.request.title : '');
