/** Counters by which others see that the catalogue or the directory changed. */
import type { Revisions } from '../port.ts';
import type { Session } from './database.ts';

/** `to_revision` of what is current. */
export const forever = 2147483647;

export async function readRevisions(session: Session): Promise<Revisions> {
  const rows = await session.rows<{ name: keyof Revisions; value: number }>('select name, value from revision');
  const value = (name: keyof Revisions): number => rows.find((row) => row.name === name)?.value ?? 0;
  return { catalogue: value('catalogue'), directory: value('directory') };
}

/** The revision that this transaction may make. Other writers of the catalogue wait here until it ends. */
export async function nextCatalogueRevision(session: Session): Promise<number> {
  const rows = await session.rows<{ value: number }>(`select value from revision where name = 'catalogue' for update`);
  return rows[0]!.value + 1;
}

export async function publishRevision(session: Session, name: keyof Revisions): Promise<number> {
  const rows = await session.rows<{ value: number }>('update revision set value = value + 1 where name = $1 returning value', [name]);
  return rows[0]!.value;
}
