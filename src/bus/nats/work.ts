/**
 * Takes work items from a work-queue stream by pull requests of our own: never more of them asked for
 * than there are free hands, so that no item grows old in a client's buffer while its ack time runs.
 */
import { AckPolicy } from '@nats-io/jetstream';
import { createInbox, nanos, type Msg } from '@nats-io/nats-core';
import { backoffMs } from '../../kernel/backoff.ts';
import type { Bus, Subscription, WorkMessage } from '../port.ts';
import type { Link } from './link.ts';

type Consumer = Parameters<Bus['work']>[1];

const pullMs = 30_000;
const heartbeatMs = 5_000;
/** A consumer nobody pulls from is one whose host is gone; its items expire with the stream. */
const inactiveMs = 3_600_000;
const pauses = { baseMs: 100, maxMs: 5_000 };
const retry = { baseMs: 500, maxMs: 30_000 };
const text = new TextEncoder();

export async function takeWork(link: Link, stream: string, consumer: Consumer, handler: (item: WorkMessage) => Promise<void>): Promise<Subscription> {
  const what = `work from ${stream} as ${consumer.name}`;
  const inbox = createInbox();
  let serial = 0;
  let asked = 0;
  let busy = 0;
  let stopped = false;
  let failures = 0;
  let timer: NodeJS.Timeout | undefined;

  const ensure = (): Promise<unknown> =>
    link.manager.consumers.add(stream, {
      durable_name: consumer.name,
      ack_policy: AckPolicy.Explicit,
      ack_wait: nanos(consumer.ackWaitMs),
      filter_subject: consumer.filter,
      max_deliver: -1,
      // What a killed process had in hand stays unacknowledged until its ack time is over: leave room beside it.
      max_ack_pending: Math.max(1_000, consumer.concurrency * 10),
      inactive_threshold: nanos(inactiveMs),
    });

  const ask = (): void => {
    if (stopped || asked > 0 || busy >= consumer.concurrency || link.state !== 'connected') return;
    asked = consumer.concurrency - busy;
    serial += 1;
    const request = { batch: asked, expires: nanos(pullMs), idle_heartbeat: nanos(heartbeatMs) };
    link.connection.publish(`$JS.API.CONSUMER.MSG.NEXT.${stream}.${consumer.name}`, JSON.stringify(request), { reply: `${inbox}.${serial}` });
    expectLife();
  };
  /** No sign of life for two heartbeats: the pull request is lost. */
  const expectLife = (): void => {
    clearTimeout(timer);
    timer = setTimeout(() => renew('the server has fallen silent'), 2 * heartbeatMs + 2_000);
  };
  /** Makes sure that the consumer is there, then asks anew. */
  const renew = (why: string): void => {
    clearTimeout(timer);
    if (stopped || link.state !== 'connected') return;
    asked = 0;
    const mine = ++serial;
    ensure().then(
      () => {
        failures = 0;
        if (mine === serial) ask();
      },
      (fault: unknown) => {
        if (stopped || mine !== serial) return;
        const pause = backoffMs(failures++, pauses, Math.random());
        link.log.warn({ what, why, err: fault, again: pause }, 'work cannot be taken yet');
        timer = setTimeout(() => renew(why), pause);
      },
    );
  };

  const onStatus = (message: Msg): void => {
    const code = message.headers?.code;
    if (!message.subject.endsWith(`.${serial}`)) return;
    if (code === 100) return expectLife();
    asked = 0;
    // 404 no messages, 408 expired: the ordinary ends of a pull request.
    if (code === 404 || code === 408) ask();
    else renew(message.headers?.description ?? `status ${code}`);
  };

  const onItem = (message: Msg): void => {
    if (asked > 0) asked -= 1;
    busy += 1;
    if (asked === 0) clearTimeout(timer);
    else expectLife();
    void handle(link, message, handler).finally(() => {
      busy -= 1;
      ask();
    });
    ask();
  };

  const subscription = link.connection.subscribe(`${inbox}.*`, {
    callback: (fault, message) => {
      if (fault) link.log.error({ what, err: fault }, 'the NATS server ended a subscription');
      else if (message.headers?.code) onStatus(message);
      else onItem(message);
    },
  });
  try {
    await ensure();
  } catch (fault) {
    subscription.unsubscribe();
    throw link.fault(fault, what);
  }
  const unlisten = link.onState((state) => (state === 'connected' ? renew('connected again') : clearTimeout(timer)));
  ask();
  return {
    stop: async () => {
      stopped = true;
      unlisten();
      clearTimeout(timer);
      subscription.unsubscribe();
    },
  };
}

async function handle(link: Link, message: Msg, handler: (item: WorkMessage) => Promise<void>): Promise<void> {
  const delivery = deliveryOf(message.reply ?? '');
  const say = (word: string): void => {
    try {
      message.respond(text.encode(word));
    } catch (fault) {
      link.log.warn({ subject: message.subject, word, err: fault }, 'the server could not be told about a work item, it will come again');
    }
  };
  try {
    await handler({ subject: message.subject, body: message.data, delivery, working: () => say('+WPI') });
    say('+ACK');
  } catch (fault) {
    const delay = backoffMs(delivery - 1, retry, Math.random());
    link.log.warn({ subject: message.subject, delivery, err: fault, again: delay }, 'a work item failed and will come again');
    say(`-NAK {"delay": ${nanos(delay)}}`);
  }
}

/** Second field of "$JS.ACK.stream.consumer.delivered…", or fourth of the longer form with domain and account. */
function deliveryOf(reply: string): number {
  const tokens = reply.split('.');
  return Number(tokens[tokens.length > 9 ? 6 : 4] ?? 1);
}
