/** D1: everything that is wrong with a rule is told at once, what its schema finds and what only a look at the catalogue or the calendar shows. */
import type { z } from 'zod';
import { checkTimeZone, firingTimes } from '../../automation/firing-times.ts';
import { parseTitle } from '../../automation/title-template.ts';
import { DreyError } from '../../contracts/errors.ts';
import { checkInput } from '../../contracts/input-faults.ts';
import { snapshotScope } from '../../contracts/snapshots.ts';
import type { CatalogueStore, TagStore } from '../../persistence/port.ts';
import { misfit } from '../input.ts';
import { scopeIds } from './references.ts';

export interface RuleSurroundings {
  readonly catalogue: Pick<CatalogueStore, 'resolve'>;
  readonly tags: Pick<TagStore, 'groups'>;
  readonly now: () => number;
}

/** One thing that must hold; throws DreyError when it does not. What is no text or no object is the schema's business. */
type Check = (fields: Readonly<Record<string, unknown>>, around: RuleSurroundings) => unknown;

const textOf = (value: unknown): string | undefined => (typeof value === 'string' && value.trim() !== '' ? value.trim() : undefined);
const requestOf = ({ request }: Readonly<Record<string, unknown>>): Record<string, unknown> => (typeof request === 'object' && request !== null ? (request as Record<string, unknown>) : {});

const timeZone: Check = ({ timeZone: zone }) => textOf(zone) && checkTimeZone(zone as string);

const title: Check = (fields) => {
  const template = textOf(requestOf(fields)['title']);
  return template && parseTitle(template);
};

const scope: Check = async (fields, { catalogue, tags }) => {
  const given = snapshotScope.safeParse(requestOf(fields)['scope']);
  if (given.success && given.data.kind !== 'all') await catalogue.resolve(await scopeIds(tags, given.data));
};

const cron: Check = ({ cron: expression }, { now }) => {
  const text = textOf(expression);
  if (text === undefined) return;
  // In any zone: that of the rule may be at fault itself.
  if (firingTimes(text, 'UTC').next(new Date(now())) === null) throw new DreyError('invalid', `cron: ${JSON.stringify(text)} never fires`);
};

const pvName: Check = async ({ pvName: name }, { catalogue }) => {
  const text = textOf(name);
  if (text !== undefined) await catalogue.resolve({ kind: 'names', pvNames: [text] });
};

const url: Check = ({ url: address }) => {
  if (typeof address !== 'string' || !URL.canParse(address)) return;
  const { username, password } = new URL(address);
  if (username !== '' || password !== '') throw new DreyError('invalid', 'url: it holds a user name or password, which would be shown to everybody who may see it; the secret signs what is sent instead');
};

export const scheduleChecks: readonly Check[] = [cron, timeZone, title, scope];
export const triggerChecks: readonly Check[] = [pvName, timeZone, title, scope];
export const webhookChecks: readonly Check[] = [url];

export async function soundRule<T>(schema: z.ZodType<T>, checks: readonly Check[], wanted: unknown, around: RuleSurroundings): Promise<T> {
  const { data, faults, count } = checkInput(schema, wanted);
  const found: DreyError[] = [];
  for (const check of typeof wanted === 'object' && wanted !== null ? checks : []) {
    try {
      await check(wanted as Record<string, unknown>, around);
    } catch (error) {
      if (!(error instanceof DreyError) || error.code === 'unavailable' || error.code === 'timeout') throw error;
      found.push(error);
    }
  }
  // By itself it says more: which of many names, and with a code of its own.
  if (count === 0 && found.length === 1) throw found[0]!;
  if (count + found.length > 0) throw misfit('body', [...faults, ...found.map((error) => error.message)], count + found.length);
  return data as T;
}
