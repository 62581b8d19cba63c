/** Schedules, triggers and webhooks: written by people here, done by coordinators. */
import { z } from 'zod';
import { firingTimes } from '../../automation/firing-times.ts';
import { fillTitle, parseTitle, pvsOf } from '../../automation/title-template.ts';
import type { Hosts } from '../../bus/hosts.ts';
import { json, type Bus } from '../../bus/port.ts';
import { createTitleValues } from '../../bus/title-values.ts';
import { newSchedule, newTrigger, newWebhook, type RuleKind, type ScheduleDefinition, type ScheduleView, type TriggerDefinition, type TriggerView, type WebhookDefinition, type WebhookView } from '../../contracts/automation.ts';
import { subjects } from '../../contracts/subjects.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { CatalogueStore, Rule, RuleStore, TagStore } from '../../persistence/port.ts';
import { mustMayMarkGolden, type Caller, type Operation } from '../access.ts';
import type { Audit } from '../audit.ts';
import type { ChannelNames } from './channel-names.ts';
import type { JobOperations } from './jobs.ts';
import { scopeIds } from './references.ts';
import { scheduleChecks, soundRule, triggerChecks, webhookChecks, type RuleSurroundings } from './rule-checks.ts';

export interface AutomationDeps {
  readonly rules: RuleStore;
  readonly catalogue: Pick<CatalogueStore, 'resolve'>;
  readonly tags: Pick<TagStore, 'groups'>;
  readonly bus: Bus;
  readonly hosts: Hosts;
  readonly jobs: JobOperations;
  readonly names: ChannelNames;
  readonly audit: Audit;
  readonly clock: Clock;
}

/** Any of the fields of a new one; the others stay as they are. */
export const ruleEdit = z.record(z.string(), z.unknown());

interface RuleOf<Definition extends { readonly name: string }, View> {
  readonly kind: RuleKind;
  /** D1: refuses what cannot work, all of it at once; returns what is kept. */
  check(caller: Caller, wanted: unknown): Promise<Definition>;
  /** What an edit begins from, and what the audit log shows. */
  written(definition: Definition): Definition;
  view(rule: Rule<Definition>): View;
}

export function createAutomationOperations(deps: AutomationDeps) {
  const { catalogue, tags, clock } = deps;

  const around: RuleSurroundings = { catalogue, tags, now: () => clock.now() };
  /** Of a sound one: who may, and ids for the names of tags. */
  const requestOf = async (caller: Caller, operation: Operation, request: ScheduleDefinition['request']): Promise<ScheduleDefinition['request']> => {
    if (request.golden) mustMayMarkGolden(caller, operation);
    return { ...request, scope: await scopeIds(tags, request.scope) };
  };
  const text = (value: unknown): string | null => (typeof value === 'string' ? value : null);
  const made = ({ id, createdBy, createdDate, lastModifiedDate }: Rule) => ({ id, createdBy, createdDate, lastModifiedDate });
  const fired = ({ state }: Rule) => ({ lastFiringAt: text(state['lastFiringAt']), lastJobId: text(state['lastJobId']) });

  const schedule: RuleOf<ScheduleDefinition, ScheduleView> = {
    kind: 'schedule',
    check: async (caller, wanted) => {
      const sound = await soundRule(newSchedule, scheduleChecks, wanted, around);
      return { ...sound, request: await requestOf(caller, 'schedules.write', sound.request) };
    },
    written: (definition) => definition,
    view: (rule) => ({
      ...rule.definition, ...made(rule), ...fired(rule),
      nextFiringAt: rule.definition.enabled ? (firingTimes(rule.definition.cron, rule.definition.timeZone).next(new Date(clock.now()))?.toISOString() ?? null) : null,
      lastNote: text(rule.state['lastNote']),
    }),
  };

  const trigger: RuleOf<TriggerDefinition & { channel?: number }, TriggerView> = {
    kind: 'trigger',
    check: async (caller, wanted) => {
      const sound = await soundRule(newTrigger, triggerChecks, wanted, around);
      const { channels } = await catalogue.resolve({ kind: 'names', pvNames: [sound.pvName] });
      return { ...sound, request: await requestOf(caller, 'triggers.write', sound.request), channel: channels[0]! };
    },
    written: ({ channel: _ours, ...definition }) => definition,
    view: (rule) => ({ ...trigger.written(rule.definition), ...made(rule), ...fired(rule) }),
  };

  const webhook: RuleOf<WebhookDefinition, WebhookView> = {
    kind: 'webhook',
    check: (_caller, wanted) => soundRule(newWebhook, webhookChecks, wanted, around),
    written: (definition) => definition,
    view: (rule) => {
      const { secret, ...shown } = rule.definition;
      return { ...shown, ...made(rule), hasSecret: secret !== null, lastDelivery: (rule.state['lastDelivery'] as WebhookView['lastDelivery'] | undefined) ?? null };
    },
  };

  return {
    schedules: { ...operationsOf(deps, schedule), run: runOf(deps, 'schedule') },
    triggers: { ...operationsOf(deps, trigger), run: runOf(deps, 'trigger') },
    webhooks: operationsOf(deps, webhook),
  };
}
export type AutomationOperations = ReturnType<typeof createAutomationOperations>;

const longestDescription = 4_000;

/** What a firing would do, now, for a person. It counts as the rule's own snapshot, also for its retention, and fires nothing. */
function runOf({ rules, bus, hosts, jobs, names, audit, clock }: AutomationDeps, kind: 'schedule' | 'trigger') {
  // A value that cannot be read stands as ? in the title.
  const titleValues = createTitleValues({ bus, hosts, channelOf: async (name) => (await names.current()).byName.get(name)?.id, onFault: () => {} });
  return async (caller: Caller, id: string) => {
    const { name, definition } = (await rules.get(kind, id)) as Rule<ScheduleDefinition | TriggerDefinition>;
    const { request, timeZone } = definition;
    if (request.golden) mustMayMarkGolden(caller, `${kind}s.write`);
    const at = new Date(clock.now());
    const parts = parseTitle(request.title);
    const title = fillTitle(parts, at, timeZone, await titleValues(pvsOf(parts)));
    const note = `run by hand by ${caller.who}`;
    const description = [request.description, note].filter((line) => line !== '').join('\n').slice(0, longestDescription);
    return audit.change(caller, { what: `${kind}s.run`, subject: id }, async () => {
      const origin = { rule: `${kind}:${id}`, name, firedFor: at.toISOString(), note };
      const accepted = await jobs.submit(caller, { type: 'snapshot_create', request: { ...request, title, description }, origin });
      return { value: accepted, after: { jobId: accepted.jobId, title }, result: `accepted as job ${accepted.jobId}` };
    });
  };
}

function operationsOf<Definition extends { readonly name: string }, View>({ rules, bus, audit, clock }: AutomationDeps, { kind, check, written, view }: RuleOf<Definition, View>) {
  /** Coordinators look by themselves now and then: an event that is lost costs half a minute. */
  const announce = (id: string): void => {
    if (bus.state === 'connected') bus.publish(subjects.automationEvent, json.encode({ kind, id }));
  };
  const read = async (id: string): Promise<Rule<Definition>> => (await rules.get(kind, id)) as Rule<Definition>;

  return {
    list: async () => (await rules.list(kind)).map((rule) => view(rule as Rule<Definition>)),
    get: async (id: string) => view(await read(id)),

    create: async (caller: Caller, wanted: unknown): Promise<View> => {
      const definition = await check(caller, wanted);
      return audit.change(caller, { what: `${kind}s.create`, subject: definition.name }, async () => {
        const rule = (await rules.create(kind, { name: definition.name, definition, createdBy: caller.who, at: new Date(clock.now()) })) as Rule<Definition>;
        announce(rule.id);
        return { value: view(rule), subject: rule.id, after: view(rule) };
      });
    },

    edit: async (caller: Caller, id: string, edit: z.output<typeof ruleEdit>): Promise<View> => {
      const before = await read(id);
      const definition = await check(caller, { ...written(before.definition), ...edit });
      return audit.change(caller, { what: `${kind}s.edit`, subject: id, before: view(before) }, async () => {
        const after = view((await rules.edit(kind, id, { name: definition.name, definition, at: new Date(clock.now()) })) as Rule<Definition>);
        announce(id);
        return { value: after, after };
      });
    },

    delete: (caller: Caller, id: string): Promise<true> =>
      audit.change(caller, { what: `${kind}s.delete`, subject: id }, async () => {
        const gone = view((await rules.delete(kind, id)) as Rule<Definition>);
        announce(id);
        return { value: true, before: gone };
      }),
  };
}
