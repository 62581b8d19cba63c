/** The rules that people wrote, as coordinators have them: read again when one changes, and now and then, as events may be missed. */
import type { Bus, Subscription } from '../../bus/port.ts';
import type { RuleKind, ScheduleDefinition, TriggerDefinition, WebhookDefinition } from '../../contracts/automation.ts';
import { subjects } from '../../contracts/subjects.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { Log } from '../../kernel/log.ts';
import type { Rule, RuleStore } from '../../persistence/port.ts';

/** A trigger as it is kept: with the channel that its PV had when it was made. A name keeps its id for ever. */
export type KeptTrigger = TriggerDefinition & { readonly channel: number };

export interface Rules extends Subscription {
  schedules(): readonly Rule<ScheduleDefinition>[];
  triggers(): readonly Rule<KeptTrigger>[];
  webhooks(): readonly Rule<WebhookDefinition>[];
  /** After each reading. */
  onRead(listener: () => void): void;
  /** Reads them now. */
  refresh(): Promise<void>;
}

const everyMs = 30_000;

export async function watchRules({ bus, store, clock, log }: { bus: Bus; store: RuleStore; clock: Clock; log: Log }): Promise<Rules> {
  const kept: Record<RuleKind, readonly Rule[]> = { schedule: [], trigger: [], webhook: [] };
  const listeners: (() => void)[] = [];
  let reading: Promise<void> | undefined;
  let again = false;
  let timer: unknown;
  let stopped = false;

  const read = async (): Promise<void> => {
    do {
      again = false;
      const [schedule, trigger, webhook] = await Promise.all([store.list('schedule'), store.list('trigger'), store.list('webhook')]);
      Object.assign(kept, { schedule, trigger, webhook });
    } while (again);
    for (const listener of listeners) listener();
  };
  const refresh = (): Promise<void> => {
    again = true;
    return (reading ??= read().finally(() => (reading = undefined)));
  };
  const tryRefresh = (): void => {
    if (!stopped) refresh().catch((error: unknown) => log.warn({ err: error }, 'schedules, triggers and webhooks could not be read; those known stay in force'));
  };
  const readOn = (): void => {
    timer = clock.setTimeout(() => {
      tryRefresh();
      readOn();
    }, everyMs);
  };

  const subscription = bus.subscribe(subjects.automationEvent, tryRefresh);
  const unlisten = bus.onState((state) => state === 'connected' && tryRefresh());
  tryRefresh();
  readOn();
  return {
    schedules: () => kept.schedule as readonly Rule<ScheduleDefinition>[],
    triggers: () => kept.trigger as readonly Rule<KeptTrigger>[],
    webhooks: () => kept.webhook as readonly Rule<WebhookDefinition>[],
    onRead: (listener) => void listeners.push(listener),
    refresh,
    stop: async () => {
      stopped = true;
      clock.clearTimeout(timer);
      unlisten();
      await subscription.stop();
    },
  };
}
