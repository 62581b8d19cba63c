/**
 * What Drey does by itself: schedules and triggers that have snapshots taken, webhooks that tell other
 * programs. All three are rules that people write; what became of them is their `state`.
 */
import { z } from 'zod';
import { snapshotLabels, takeSnapshot } from './snapshots.ts';

export const ruleKinds = ['schedule', 'trigger', 'webhook'] as const;
export type RuleKind = (typeof ruleKinds)[number];

const name = z.string().trim().min(1).max(255).describe('unique among its kind, whatever the case of its letters');
const enabled = z.boolean().default(true);
const timeZone = z.string().min(1).max(64).default('UTC').describe('IANA name, such as Europe/Zurich; of the cron expression and of {time} and {date} in the title');

/** As POST /v1/snapshots takes it; the title is a template. */
export const ruleRequest = takeSnapshot.extend({
  title: takeSnapshot.shape.title.describe('template: {date}, {time} and {pv:NAME} are filled in when it fires; what cannot be read is shown as ?'),
});

/** What of a schedule's own snapshots is kept; the rest is deleted after each new one. Golden ones are always kept. */
export const retention = z.strictObject({
  keepLast: z.number().int().min(1).max(100_000).optional().describe('the newest so many'),
  keepDaily: z.number().int().min(1).max(36_600).optional().describe('the last one of each of the newest so many days that have one'),
  keepTagged: snapshotLabels.optional().describe('those with any of these labels'),
}).refine(({ keepLast, keepDaily }) => keepLast !== undefined || keepDaily !== undefined, 'say keepLast or keepDaily, or no retention at all: nothing else would be kept');
export type Retention = z.output<typeof retention>;

export const newSchedule = z.strictObject({
  name,
  cron: z.string().trim().min(1).max(200).describe('five fields: minute, hour, day of month, month, day of week'),
  timeZone,
  enabled,
  request: ruleRequest,
  retention: retention.nullable().default(null).describe('null = everything is kept'),
});
export type ScheduleDefinition = z.output<typeof newSchedule>;

export const triggerRule = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('rising'), value: z.number().describe('fires when the PV comes from below to this value or above') }),
  z.object({ kind: z.literal('change') }),
  z.object({ kind: z.literal('deadband'), value: z.number().positive().describe('fires when the PV has moved by more than this since it fired last, or since it was first seen') }),
]);
export type TriggerRule = z.output<typeof triggerRule>;

export const newTrigger = z.strictObject({
  name,
  pvName: z.string().trim().min(1).max(255).describe('a channel of the catalogue'),
  on: triggerRule,
  holdoffMs: z.number().int().min(0).max(86_400_000).default(1_000).describe('after a firing nothing fires for so long, by the IOC\'s clock'),
  timeZone,
  enabled,
  request: ruleRequest,
});
export type TriggerDefinition = z.output<typeof newTrigger>;

export const webhookEvents = ['snapshot.taken', 'restore.ended', 'job.failed', 'ioc.state'] as const;
export const webhookEvent = z.enum(webhookEvents);
export type WebhookEvent = z.output<typeof webhookEvent>;

export const newWebhook = z.strictObject({
  name,
  url: z.url({ protocol: /^https?$/, error: 'must be an http:// or https:// URL' }).max(2_000),
  events: z.array(webhookEvent).min(1).overwrite((events) => [...new Set(events)]),
  secret: z.string().min(8).max(200).nullable().default(null).describe('key of the HMAC-SHA256 in X-Drey-Signature; never shown again'),
  enabled,
});
export type WebhookDefinition = z.output<typeof newWebhook>;

/** Common to every rule as it is shown. */
const shown = { id: z.string(), createdBy: z.string(), createdDate: z.string().describe('ISO 8601'), lastModifiedDate: z.string() };
const firing = {
  lastFiringAt: z.string().nullable().describe('the moment of the newest firing that became a job, ISO 8601'),
  lastJobId: z.string().nullable(),
};
export const scheduleView = newSchedule.extend({
  ...shown, ...firing,
  nextFiringAt: z.string().nullable().describe('ISO 8601; null = disabled, or never again'),
  lastNote: z.string().nullable().describe('about the newest firing that was late, or before which others were missed'),
});
export type ScheduleView = z.output<typeof scheduleView>;
export const triggerView = newTrigger.extend({ ...shown, ...firing });
export type TriggerView = z.output<typeof triggerView>;

export const delivery = z.object({
  id: z.string().describe('the same in every attempt: X-Drey-Delivery'),
  event: webhookEvent,
  outcome: z.enum(['delivered', 'retrying', 'failed']).describe('failed: given up'),
  attempts: z.number().int(),
  at: z.string().describe('of the last attempt, ISO 8601'),
  status: z.number().int().nullable().describe('HTTP status of the last answer'),
  reason: z.string().nullable(),
});
export type Delivery = z.output<typeof delivery>;
export const webhookView = newWebhook.omit({ secret: true }).extend({ ...shown, hasSecret: z.boolean(), lastDelivery: delivery.nullable() });
export type WebhookView = z.output<typeof webhookView>;

/** Request `drey.v1.automation.triggers`: what an ioc-host needs to know of the enabled triggers. */
export interface WatchedTrigger {
  readonly id: string;
  readonly channel: number;
  readonly on: TriggerRule;
  readonly holdoffMs: number;
}

/** Work `drey.v1.firing.<trigger>`. */
export interface Firing {
  readonly trigger: string;
  /** The IOC's time of the value that fired, ns since 1970. */
  readonly timeNs: string;
  readonly value: number | string;
}

/** Work `drey.v1.delivery.<webhook>`, and the body of what is posted. */
export interface WebhookMessage {
  readonly id: string;
  readonly event: WebhookEvent;
  readonly at: string;
  readonly data: unknown;
}
