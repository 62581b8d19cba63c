/** Serves the channel dictionary to ioc-hosts, and keeps what they found out. Any coordinator answers. */
import { z } from 'zod';
import { json, type Bus, type Subscription } from '../../bus/port.ts';
import { DreyError } from '../../contracts/errors.ts';
import { checkInput } from '../../contracts/input-faults.ts';
import { subjects } from '../../contracts/subjects.ts';
import type { CatalogueStore } from '../../persistence/port.ts';

const queue = 'coordinators';
const largestPage = 10_000;

const pageRequest = z.object({ after: z.number().int().min(0), limit: z.number().int().min(1) });
const updateRequest = z.object({ host: z.string(), found: z.record(z.string().min(1), z.array(z.number().int().min(1))) });

export function serveCatalogue(bus: Bus, catalogue: CatalogueStore): Subscription {
  const answers = [
    bus.answer(
      subjects.catalogueChannels,
      async (body) => {
        const { after, limit } = read(pageRequest, body, subjects.catalogueChannels);
        const { revision, channels, more } = await catalogue.channelsAsJson({ after, limit: Math.min(limit, largestPage) });
        return Buffer.from(`{"revision":${revision},"channels":${channels},"more":${more}}`);
      },
      { queue },
    ),
    bus.answer(
      subjects.directoryUpdate,
      async (body) => {
        const { found } = read(updateRequest, body, subjects.directoryUpdate);
        await catalogue.updateDirectory(found);
        bus.publish(subjects.directoryEvent, json.encode({ found }));
        return json.encode({});
      },
      { queue },
    ),
  ];
  return { stop: async () => void (await Promise.all(answers.map((answer) => answer.stop()))) };
}

/** D1. */
function read<T>(schema: z.ZodType<T>, body: Uint8Array, subject: string): T {
  let value: unknown;
  try {
    value = json.decode(body);
  } catch {
    throw new DreyError('badInput', `a request to ${subject} is not JSON`);
  }
  const { data, faults, count } = checkInput(schema, value);
  if (count === 0) return data as T;
  throw new DreyError('badInput', `a request to ${subject} is malformed: ${faults[0]!}`, { faults });
}
