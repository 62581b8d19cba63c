/** The bus on NATS, with JetStream for what must not be lost. */
import type { Bus } from '../port.ts';
import { coreOf, maxPayloadOf } from './core.ts';
import { openKeyValue } from './key-value.ts';
import { openLink, type Link, type NatsOptions } from './link.ts';
import { followLog, readLog, storeMessage } from './log.ts';
import { offerService } from './service.ts';
import { ensureStreams } from './topology.ts';
import { takeWork } from './work.ts';

export type { NatsOptions } from './link.ts';

const links = new WeakMap<Bus, Link>();

/** Connects, and checks that the server is new enough and has JetStream. */
export async function connectNats(options: NatsOptions): Promise<Bus> {
  const link = await openLink(options);
  const bus: Bus = {
    ...coreOf(link),
    get state() {
      return link.state;
    },
    get maxPayload() {
      return maxPayloadOf(link);
    },
    onState: (listener) => link.onState(listener),
    serve: (service, endpoints) => offerService(link, service, endpoints),
    store: (subject, body, storeOptions) => storeMessage(link, subject, body, storeOptions),
    work: (stream, consumer, handler) => takeWork(link, stream, consumer, handler),
    readLog: (stream, subject) => readLog(link, stream, subject),
    followLog: (stream, subject, handler) => followLog(link, stream, subject, handler),
    keyValue: (bucket) => openKeyValue(link, bucket),
    close: () => link.close(),
  };
  links.set(bus, link);
  return bus;
}

/** Makes Drey's streams and buckets, or brings them up to date. Idempotent, and safe when several processes do it at once. */
export async function ensureTopology(bus: Bus): Promise<void> {
  const link = links.get(bus);
  if (link === undefined) throw new Error('ensureTopology() takes a bus that connectNats() made');
  await ensureStreams(link);
}
