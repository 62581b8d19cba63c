/** What a client may say on the WebSocket. A message that does not fit is answered with the reason; the connection stays (D1). */
import { z } from 'zod';
import { DreyError } from '../../contracts/errors.ts';
import { parseInput } from '../input.ts';
import { pvNames } from '../operations/live-values.ts';

export const clientWindowMs = { least: 50, most: 10_000, usual: 100 } as const;

/** Comes back in the answer, so that a client can tell which of its messages is answered. */
const id = z.union([z.string().max(100), z.number()]).optional();
const tagList = z.array(z.string().min(1).max(520)).min(1).max(1_000);
/** {group: [tag]}, by name or id: any of a group, in every group. Or [tag], by id, name or group/name: any of them. */
const tags = z.union([z.record(z.string().min(1).max(255), tagList).refine((groups) => Object.keys(groups).length > 0, 'names no group'), tagList], 'is neither {group: [tag]} nor [tag]');
const what = { id, pvNames: pvNames.optional(), pv_names: pvNames.optional(), tags: tags.optional(), all: z.literal(true).optional() };

const shapes = {
  subscribe: z.strictObject({
    type: z.literal('subscribe'),
    ...what,
    windowMs: z.number().int().min(clientWindowMs.least).max(clientWindowMs.most).optional(),
    arrays: z.enum(['base64', 'json']).optional(),
    resume: z.strictObject({ session: z.string().max(100), sequence: z.number().int().min(0) }).optional(),
  }),
  unsubscribe: z.strictObject({ type: z.literal('unsubscribe'), ...what }),
  get_all: z.strictObject({ type: z.literal('get_all'), id }),
  ping: z.strictObject({ type: z.literal('ping'), id }),
};
export type ClientMessage = { [K in keyof typeof shapes]: z.output<(typeof shapes)[K]> }[keyof typeof shapes];
export type Subscribe = z.output<typeof shapes.subscribe>;
export type Unsubscribe = z.output<typeof shapes.unsubscribe>;

const known = Object.keys(shapes).join(', ');

export function parseMessage(text: string): ClientMessage {
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch (error) {
    throw new DreyError('badInput', `the message is not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (typeof data !== 'object' || data === null || Array.isArray(data)) throw new DreyError('badInput', `a message is a JSON object with a type: ${known}`);
  const type = (data as { type?: unknown }).type;
  if (type === undefined) throw new DreyError('badInput', `the message has no type; known are ${known}`);
  if (typeof type !== 'string' || !Object.hasOwn(shapes, type)) throw new DreyError('badInput', `messages of type ${JSON.stringify(type).slice(0, 60)} are not known; known are ${known}`);
  return parseInput<z.ZodType<ClientMessage>>(shapes[type as keyof typeof shapes], data, `message ${type}`);
}

/** The `id` of a message that was refused, when it has one. */
export function idOf(text: string): string | number | undefined {
  try {
    const given = (JSON.parse(text) as { id?: unknown } | null)?.id;
    return typeof given === 'string' || typeof given === 'number' ? given : undefined;
  } catch {
    return undefined;
  }
}
