/** Core NATS: publish, request, answer. Fast, and nothing is kept: who must not lose a message stores it. */
import { createInbox, headers as newHeaders, type Msg } from '@nats-io/nats-core';
import { DreyError } from '../../contracts/errors.ts';
import type { Bus, BusMessage, Subscription } from '../port.ts';
import { refusal, refused, setRefusal } from './faults.ts';
import type { Link } from './link.ts';

type Core = Pick<Bus, 'publish' | 'request' | 'requestMany' | 'subscribe' | 'answer' | 'inbox' | 'flush'>;

/** Headers count against the server's limit too. */
const headerRoom = 1024;

export function maxPayloadOf(link: Link): number {
  return (link.connection.info?.max_payload ?? 1024 * 1024) - headerRoom;
}

/** D1: what is too large is refused here, by name, before a byte of it is sent. */
export function checkSize(link: Link, subject: string, body: Uint8Array): void {
  const limit = maxPayloadOf(link);
  if (body.length > limit) {
    throw new DreyError('tooLarge', `a message of ${body.length} bytes to ${subject}: the NATS server takes at most ${limit} (max_payload)`);
  }
}

export function coreOf(link: Link): Core {
  const { connection, log } = link;

  const send = (subject: string, body: Uint8Array, reply?: string): void => {
    link.check(`publish to ${subject}`);
    checkSize(link, subject, body);
    try {
      connection.publish(subject, body, reply === undefined ? {} : { reply });
    } catch (fault) {
      throw link.fault(fault, `publish to ${subject}`);
    }
  };

  const reply = (message: Msg, body: Uint8Array): void => {
    try {
      checkSize(link, message.subject, body);
      message.respond(body);
    } catch (fault) {
      refuse(message, fault);
    }
  };

  const refuse = (message: Msg, fault: unknown): void => {
    const { subject } = message;
    if (!(fault instanceof DreyError) || fault.code === 'internal') log.error({ subject, err: fault }, 'a request failed');
    else log.debug({ subject, code: fault.code, detail: fault.message }, 'a request was refused');
    const answer = refusal(fault);
    const headers = newHeaders();
    setRefusal(headers, answer);
    try {
      message.respond(answer.body, { headers });
    } catch (unsent) {
      log.warn({ subject, err: unsent }, 'a refusal could not be sent');
    }
  };

  const listen = (subject: string, queue: string | undefined, handle: (message: Msg) => void): Subscription => {
    const subscription = connection.subscribe(subject, {
      ...(queue === undefined ? {} : { queue }),
      callback: (fault, message) => {
        if (fault) log.error({ subject, err: fault }, 'the NATS server ended a subscription');
        else handle(message);
      },
    });
    return { stop: async () => subscription.unsubscribe() };
  };

  return {
    publish: (subject, body) => send(subject, body),

    request: async (subject, body, timeoutMs) => {
      const what = `request to ${subject}`;
      link.check(what);
      checkSize(link, subject, body);
      let message: Msg;
      try {
        message = await connection.request(subject, body, { timeout: timeoutMs });
      } catch (fault) {
        throw link.fault(fault, what);
      }
      const error = refused(message.headers, message.data);
      if (error) throw error;
      return message.data;
    },

    requestMany: (subject, body, { expect, timeoutMs }) =>
      new Promise((resolve, reject) => {
        const answers: Uint8Array[] = [];
        let heard = 0;
        const inbox = createInbox();
        const leave = (): void => {
          clearTimeout(timer);
          subscription.unsubscribe();
        };
        const end = (): void => {
          leave();
          resolve(answers);
        };
        const subscription = connection.subscribe(inbox, {
          callback: (fault, message) => {
            if (fault) return end();
            // The server says so when nobody listens.
            if (message.headers?.code === 503 && message.data.length === 0) return end();
            const error = refused(message.headers, message.data);
            if (error) log.warn({ subject, err: error }, 'one of those asked refused');
            else answers.push(message.data);
            if (++heard === expect) end();
          },
        });
        const timer = setTimeout(end, timeoutMs);
        try {
          send(subject, body, inbox);
        } catch (fault) {
          leave();
          reject(fault as Error);
        }
      }),

    subscribe: (subject, handler, options) =>
      listen(subject, options?.queue, (message) => {
        try {
          handler({ subject: message.subject, body: message.data } satisfies BusMessage);
        } catch (fault) {
          log.error({ subject: message.subject, err: fault }, 'a message handler failed');
        }
      }),

    answer: (subject, handler, options) =>
      listen(subject, options?.queue, (message) => {
        void (async () => handler(message.data, message.subject))().then(
          (body) => (body === undefined ? undefined : reply(message, body)),
          (fault: unknown) => refuse(message, fault),
        );
      }),

    inbox: () => createInbox(),

    flush: async () => {
      link.check('flush');
      try {
        await connection.flush();
      } catch (fault) {
        throw link.fault(fault, 'flush');
      }
    },
  };
}
