/**
 * Operators' orders on breakers, kept where every host sees them: an IOC that was taken out of service
 * must not come back because a process restarted or the IOC changed hosts.
 */
import { json, type Bus, type Subscription } from '../../bus/port.ts';
import { DreyError } from '../../contracts/errors.ts';
import { buckets, token } from '../../contracts/subjects.ts';
import type { KeptOrder } from '../../contracts/work.ts';
import type { OperatorOrder } from '../ioc-supervisor/index.ts';

export interface Orders {
  of(ioc: string): OperatorOrder | null;
  /** Keeps an order that is in force already; `operator.close` forgets it. */
  keep(ioc: string, order: OperatorOrder): Promise<void>;
  stop(): Promise<void>;
}

export async function watchOrders(bus: Bus, now: () => number): Promise<Orders> {
  const kept = new Map<string, KeptOrder>();
  const bucket = await bus.keyValue(buckets.orders);
  let ready = (): void => {};
  const standing = new Promise<void>((done) => (ready = done));
  const subscription: Subscription = await bucket.watch({
    entry: (key, value) => {
      if (value === undefined) kept.delete(key);
      else kept.set(key, json.decode<KeptOrder>(value));
    },
    ready: () => ready(),
  });
  await standing;

  return {
    of: (ioc) => {
      const order = kept.get(token(ioc));
      if (!order || order.ioc !== ioc || (order.until ?? Infinity) <= now()) return null;
      return { type: `operator.${order.command}`, who: order.who, why: order.why, ...(order.until === undefined ? {} : { until: order.until }) };
    },
    keep: async (ioc, { type, who, why, until }) => {
      const key = token(ioc);
      try {
        if (type === 'operator.close') {
          if (kept.delete(key)) await bucket.delete(key);
          return;
        }
        const order: KeptOrder = { ioc, command: type === 'operator.open' ? 'open' : 'observe', who, why, ...(until === undefined ? {} : { until }) };
        kept.set(key, order);
        await bucket.put(key, json.encode(order));
      } catch (cause) {
        throw new DreyError('unavailable', `the order on IOC ${ioc} is in force, but could not be kept: a restart of its ioc-host would forget it. Give it again when the bus is back`, { cause });
      }
    },
    stop: () => subscription.stop(),
  };
}
