/** What a stream keeps on a subject: read as it stands now, or followed. */
import { DeliverPolicy } from '@nats-io/jetstream';
import { DreyError } from '../../contracts/errors.ts';
import type { LogMessage, Subscription } from '../port.ts';
import { checkSize } from './core.ts';
import type { Link } from './link.ts';
import { revived } from './revived.ts';

const readMs = 30_000;

export async function storeMessage(link: Link, subject: string, body: Uint8Array, options: { id?: string; after?: number } = {}): Promise<{ sequence: number }> {
  const what = `store ${subject}`;
  link.check(what);
  checkSize(link, subject, body);
  try {
    const stored = await link.stream.publish(subject, body, {
      ...(options.id === undefined ? {} : { msgID: options.id }),
      ...(options.after === undefined ? {} : { expect: { lastSubjectSequence: options.after } }),
    });
    return { sequence: stored.seq };
  } catch (fault) {
    throw link.fault(fault, what);
  }
}

export async function readLog(link: Link, stream: string, subject: string): Promise<LogMessage[]> {
  const what = `read ${subject} of ${stream}`;
  link.check(what);
  const messages: LogMessage[] = [];
  try {
    const consumer = await link.stream.consumers.get(stream, { filter_subjects: subject, deliver_policy: DeliverPolicy.All });
    let left = (await consumer.info(true)).num_pending;
    if (left === 0) {
      void consumer.delete().catch(() => {});
      return messages;
    }
    const delivery = await consumer.consume({ max_messages: 1_000, expires: 5_000 });
    const late = setTimeout(() => delivery.stop(new Error(`${left} messages did not come within ${readMs} ms`)), readMs);
    try {
      for await (const message of delivery) {
        messages.push({ subject: message.subject, body: message.data, sequence: message.seq });
        if (--left <= 0) break;
      }
    } finally {
      clearTimeout(late);
      delivery.stop();
      void consumer.delete().catch(() => {});
    }
    if (left > 0) throw new DreyError('unavailable', `${what}: the delivery ended ${left} messages early`);
    return messages;
  } catch (fault) {
    throw link.fault(fault, what);
  }
}

export async function followLog(link: Link, stream: string, subject: string, handler: (message: LogMessage) => void): Promise<Subscription> {
  const what = `follow ${subject} of ${stream}`;
  link.check(what);
  let last = 0;
  try {
    return await revived(link, what, async () => {
      const consumer = await link.stream.consumers.get(stream, {
        filter_subjects: subject,
        ...(last === 0 ? { deliver_policy: DeliverPolicy.All } : { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: last + 1 }),
      });
      const delivery = await consumer.consume({
        max_messages: 1_000,
        expires: 30_000,
        callback: (message) => {
          // A reopened delivery and the one before it may overlap.
          if (message.seq <= last) return;
          last = message.seq;
          try {
            handler({ subject: message.subject, body: message.data, sequence: message.seq });
          } catch (fault) {
            link.log.error({ subject: message.subject, sequence: message.seq, err: fault }, 'a log handler failed');
          }
        },
      });
      return { close: () => delivery.stop(), ended: delivery.closed() };
    });
  } catch (fault) {
    throw link.fault(fault, what);
  }
}
