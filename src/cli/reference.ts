/** How people name one of several things: its id, the start or end of it, or its name. */
import { DreyError } from '../contracts/errors.ts';

const leastPart = 4;

export interface Named {
  readonly id: string;
  readonly name?: string;
}

/** `what`: "job", for the sentences. */
export function oneOf<T extends Named>(things: readonly T[], reference: string, what: string): T {
  const wanted = reference.toLowerCase();
  const exact = things.filter(({ id, name }) => id === wanted || name?.toLowerCase() === wanted);
  const fits = exact.length > 0 ? exact : things.filter(({ id }) => wanted.length >= leastPart && (id.startsWith(wanted) || id.endsWith(wanted)));
  if (fits.length === 1) return fits[0]!;
  if (fits.length === 0) throw new DreyError('notFound', `no ${what} fits "${reference}": give a name, an id, or ${leastPart} or more characters of the start or end of one`);
  throw new DreyError('conflict', `"${reference}" fits ${fits.length} ${what}s; give one of the ids`, { faults: fits.slice(0, 10).map(({ id, name }) => (name === undefined ? id : `${id}  ${name}`)) });
}
