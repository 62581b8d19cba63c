/** Drey's operations as a NATS service: `nats service ls`, `info` and `stats` show it. */
import { Svcm } from '@nats-io/services';
import { DreyError } from '../../contracts/errors.ts';
import { subjects } from '../../contracts/subjects.ts';
import type { Bus, Subscription } from '../port.ts';
import { checkSize } from './core.ts';
import { refusal } from './faults.ts';
import type { Link } from './link.ts';

export async function offerService(link: Link, ...[service, endpoints]: Parameters<Bus['serve']>): Promise<Subscription> {
  link.check(`serve ${service.name}`);
  const offered = await new Svcm(link.connection).add(service);
  for (const [name, handler] of Object.entries(endpoints)) {
    const subject = `${subjects.api}.${name}`;
    // Names of endpoints are single tokens.
    offered.addEndpoint(name.replaceAll('.', '-'), {
      subject,
      handler: (fault, message) => {
        if (fault) return link.log.error({ subject, err: fault }, 'the NATS server ended a service endpoint');
        const refuse = (error: unknown): void => {
          if (!(error instanceof DreyError) || error.code === 'internal') link.log.error({ subject, err: error }, 'a service request failed');
          const { status, text, body } = refusal(error);
          message.respondError(status, text, body);
        };
        (async () => {
          const body = await handler(message.data);
          checkSize(link, subject, body);
          message.respond(body);
        })().catch(refuse).catch((unsent: unknown) => link.log.warn({ subject, err: unsent }, 'a refusal could not be sent'));
      },
    });
  }
  return {
    stop: async () => {
      await offered.stop();
    },
  };
}
