/** Schedules, triggers and webhooks: written by people here, done by coordinators. */
import { z } from 'zod';
import { firingTimes } from '../../automation/firing-times.ts';
import { parseTitle } from '../../automation/title-template.ts';
import { json, type Bus } from '../../bus/port.ts';
import { newSchedule, newTrigger, newWebhook, type RuleKind, type ScheduleDefinition, type ScheduleView, type TriggerDefinition, type TriggerView, type WebhookDefinition, type WebhookView } from '../../contracts/automation.ts';
import { DreyError } from '../../contracts/errors.ts';
import { subjects } from '../../contracts/subjects.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { CatalogueStore, Rule, RuleStore, TagStore } from '../../persistence/port.ts';
import { mustMayMarkGolden, type Caller, type Operation } from '../access.ts';
import type { Audit } from '../audit.ts';
import { scopeIds } from './references.ts';
import { parseInput } from '../input.ts';

export interface AutomationDeps {
  readonly rules: RuleStore;
  readonly catalogue: Pick<CatalogueStore, 'resolve'>;
  readonly tags: Pick<TagStore, 'groups'>;
  readonly bus: Bus;
  readonly audit: Audit;
  readonly clock: Clock;
}

/** Any of the fields of a new one; the others stay as they are. */
export const ruleEdit = z.record(z.string(), z.unknown());

interface RuleOf<Definition extends { readonly name: string }, View> {
  readonly kind: RuleKind;
  readonly write: Operation;
  readonly schema: z.ZodType<Definition>;
  /** D1: refuses what cannot work; returns what is kept. */
  check(caller: Caller, wanted: Definition): Promise<Definition>;
  /** What an edit begins from, and what the audit log shows. */
  written(definition: Definition): Definition;
  view(rule: Rule<Definition>): View;
}

export function createAutomationOperations(deps: AutomationDeps) {
  const { catalogue, tags, clock } = deps;

  const checkRequest = async (caller: Caller, operation: Operation, { request, timeZone }: Pick<ScheduleDefinition, 'request' | 'timeZone'>): Promise<ScheduleDefinition['request']> => {
    parseTitle(request.title);
    // The zone is asked for by {time}, whatever fires it.
    firingTimes('* * * * *', timeZone);
    if (request.golden) mustMayMarkGolden(caller, operation);
    const scope = await scopeIds(tags, request.scope);
    if (scope.kind !== 'all') await catalogue.resolve(scope);
    return { ...request, scope };
  };
  const text = (value: unknown): string | null => (typeof value === 'string' ? value : null);
  const made = ({ id, createdBy, createdDate, lastModifiedDate }: Rule) => ({ id, createdBy, createdDate, lastModifiedDate });
  const fired = ({ state }: Rule) => ({ lastFiringAt: text(state['lastFiringAt']), lastJobId: text(state['lastJobId']) });

  const schedule: RuleOf<ScheduleDefinition, ScheduleView> = {
    kind: 'schedule',
    write: 'schedules.write',
    schema: newSchedule,
    check: async (caller, wanted) => {
      const times = firingTimes(wanted.cron, wanted.timeZone);
      if (times.next(new Date(clock.now())) === null) throw new DreyError('invalid', `cron: ${JSON.stringify(wanted.cron)} never fires`);
      return { ...wanted, request: await checkRequest(caller, 'schedules.write', wanted) };
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
    write: 'triggers.write',
    schema: newTrigger,
    check: async (caller, wanted) => {
      const { channels } = await catalogue.resolve({ kind: 'names', pvNames: [wanted.pvName] });
      return { ...wanted, request: await checkRequest(caller, 'triggers.write', wanted), channel: channels[0]! };
    },
    written: ({ channel: _ours, ...definition }) => definition,
    view: (rule) => ({ ...trigger.written(rule.definition), ...made(rule), ...fired(rule) }),
  };

  const webhook: RuleOf<WebhookDefinition, WebhookView> = {
    kind: 'webhook',
    write: 'webhooks.write',
    schema: newWebhook,
    check: async (_caller, wanted) => {
      const { username, password } = new URL(wanted.url);
      if (username !== '' || password !== '') throw new DreyError('invalid', 'url: it holds a user name or password, which would be shown to everybody who may see it; the secret signs what is sent instead');
      return wanted;
    },
    written: (definition) => definition,
    view: (rule) => {
      const { secret, ...shown } = rule.definition;
      return { ...shown, ...made(rule), hasSecret: secret !== null, lastDelivery: (rule.state['lastDelivery'] as WebhookView['lastDelivery'] | undefined) ?? null };
    },
  };

  return { schedules: operationsOf(deps, schedule), triggers: operationsOf(deps, trigger), webhooks: operationsOf(deps, webhook) };
}
export type AutomationOperations = ReturnType<typeof createAutomationOperations>;

function operationsOf<Definition extends { readonly name: string }, View>({ rules, bus, audit, clock }: AutomationDeps, { kind, write, schema, check, written, view }: RuleOf<Definition, View>) {
  /** Coordinators look by themselves now and then: an event that is lost costs half a minute. */
  const announce = (id: string): void => {
    if (bus.state === 'connected') bus.publish(subjects.automationEvent, json.encode({ kind, id }));
  };
  const read = async (id: string): Promise<Rule<Definition>> => (await rules.get(kind, id)) as Rule<Definition>;

  return {
    list: async () => (await rules.list(kind)).map((rule) => view(rule as Rule<Definition>)),
    get: async (id: string) => view(await read(id)),

    create: async (caller: Caller, wanted: Definition): Promise<View> => {
      const definition = await check(caller, wanted);
      return audit.change(caller, { what: write.replace('write', 'create'), subject: wanted.name }, async () => {
        const rule = (await rules.create(kind, { name: wanted.name, definition, createdBy: caller.who, at: new Date(clock.now()) })) as Rule<Definition>;
        announce(rule.id);
        return { value: view(rule), subject: rule.id, after: view(rule) };
      });
    },

    edit: async (caller: Caller, id: string, edit: z.output<typeof ruleEdit>): Promise<View> => {
      const before = await read(id);
      const wanted = parseInput(schema, { ...written(before.definition), ...edit }, 'body');
      const definition = await check(caller, wanted);
      return audit.change(caller, { what: write.replace('write', 'edit'), subject: id, before: view(before) }, async () => {
        const after = view((await rules.edit(kind, id, { name: wanted.name, definition, at: new Date(clock.now()) })) as Rule<Definition>);
        announce(id);
        return { value: after, after };
      });
    },

    delete: (caller: Caller, id: string): Promise<true> =>
      audit.change(caller, { what: write.replace('write', 'delete'), subject: id }, async () => {
        const gone = view((await rules.delete(kind, id)) as Rule<Definition>);
        announce(id);
        return { value: true, before: gone };
      }),
  };
}
