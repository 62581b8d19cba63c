/** Posts to webhooks what is in the queue for them. At least once: a receiver that answered just as this process died hears it again, under the same id. */
import { createHmac } from 'node:crypto';
import { json, type Bus, type Subscription, type WorkMessage } from '../../bus/port.ts';
import type { Delivery, WebhookDefinition, WebhookMessage } from '../../contracts/automation.ts';
import { streams, subjects } from '../../contracts/subjects.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { Log } from '../../kernel/log.ts';
import type { RuleStore } from '../../persistence/port.ts';
import type { Rules } from './rules.ts';

export interface DeliveriesDeps {
  readonly bus: Bus;
  readonly rules: Rules;
  readonly store: Pick<RuleStore, 'note'>;
  readonly clock: Clock;
  readonly log: Log;
}

/** With the queue's growing pauses of half a second to half a minute: two or three minutes. */
export const mostAttempts = 12;
const answerWithinMs = 10_000;
const ackWaitMs = 30_000;
/** One receiver that hangs must not keep the others waiting (I1). */
const concurrency = 64;

export function deliver({ bus, rules, store, clock, log }: DeliveriesDeps): Promise<Subscription> {
  const take = async ({ subject, body, delivery: attempts }: WorkMessage): Promise<void> => {
    const message = json.decode<WebhookMessage>(body);
    const hook = rules.webhooks().find(({ id }) => subjects.delivery(id) === subject);
    if (hook === undefined || !hook.definition.enabled) return void log.info({ subject }, 'a webhook that is disabled or deleted by now is not told');
    const { status, reason } = await post(hook.definition, message);
    const outcome: Delivery['outcome'] = reason === null ? 'delivered' : attempts < mostAttempts ? 'retrying' : 'failed';
    const lastDelivery: Delivery = { id: message.id, event: message.event, outcome, attempts, at: new Date(clock.now()).toISOString(), status, reason };
    await store.note(hook.id, { lastDelivery }).catch((error: unknown) => log.warn({ webhook: hook.name, err: error }, 'the state of a webhook could not be kept'));
    if (outcome === 'failed') log.error({ webhook: hook.name, delivery: message.id, attempts, reason }, 'a webhook was given up');
    // The queue brings it again, after a pause that grows.
    if (outcome === 'retrying') throw new Error(`webhook "${hook.name}": ${reason}`);
  };
  return bus.work(streams.deliveries, { name: 'coordinators', filter: subjects.allDeliveries, ackWaitMs, concurrency }, take);
}

/** Over the body as it is sent, byte by byte. */
export const signatureOf = (secret: string, body: string): string => `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;

async function post({ url, secret }: WebhookDefinition, message: WebhookMessage): Promise<{ status: number | null; reason: string | null }> {
  const body = JSON.stringify(message);
  try {
    const response = await fetch(url, {
      method: 'POST',
      // A receiver that has moved is told to people, not followed: it was this URL that somebody vouched for.
      redirect: 'manual',
      signal: AbortSignal.timeout(answerWithinMs),
      headers: {
        'content-type': 'application/json', 'user-agent': 'drey', 'x-drey-event': message.event, 'x-drey-delivery': message.id,
        ...(secret === null ? {} : { 'x-drey-signature': signatureOf(secret, body) }),
      },
      body,
    });
    await response.body?.cancel();
    return { status: response.status, reason: response.ok ? null : `the receiver answered ${response.status}${response.status >= 300 && response.status < 400 ? ': it has moved, edit the URL' : ''}` };
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause.message : undefined;
    const timedOut = error instanceof Error && error.name === 'TimeoutError';
    return { status: null, reason: timedOut ? `no answer within ${answerWithinMs} ms` : (cause ?? String(error)) };
  }
}
