/**
 * The catalogue: what users register. An entry names up to three channels. Channels live in an
 * immutable name dictionary (a name keeps its id for ever), so that history is keyed by channel and
 * never by entry (S2). Every change of the catalogue makes a new revision; an entry's row is valid
 * from one revision up to another, so what a snapshot was taken of stays readable for ever.
 */
import { z } from 'zod';

/** An EPICS PV name: 1 to 255 visible ASCII characters. */
const visibleAscii = /^[\x21-\x7e]+$/;

/** Trims, strips a `ca://` prefix, turns blank into null. */
export const address = z
  .string()
  .transform((text) => text.trim())
  .transform((text) => (text.startsWith('ca://') ? text.slice(5) : text))
  .transform((text) => (text === '' ? null : text))
  .nullable()
  .superRefine((name, context) => {
    if (name === null) return;
    if (name.startsWith('pva://')) {
      context.addIssue({ code: 'custom', message: `"${name}" asks for PVAccess, which Drey does not speak yet: register the Channel Access name` });
    } else if (name.length > 255) {
      context.addIssue({ code: 'custom', message: `"${name.slice(0, 40)}…" has ${name.length} characters, a PV name has at most 255` });
    } else if (!visibleAscii.test(name)) {
      context.addIssue({ code: 'custom', message: `${JSON.stringify(name)} holds a character that no PV name can: only visible ASCII without blanks` });
    }
  });

const tolerance = z.number().min(0, 'a tolerance is 0 or larger').finite();

export const newCatalogueEntry = z
  .object({
    setpointAddress: address.default(null).describe('PV that is written by a restore; ca:// may stand before it'),
    readbackAddress: address.default(null).describe('PV that shows what the setpoint became'),
    configAddress: address.default(null).describe('PV kept for the record, never written'),
    device: z.string().trim().max(255).nullish().transform((text) => text ?? ''),
    description: z.string().trim().max(1000).nullish().transform((text) => text ?? ''),
    absTolerance: tolerance.default(0).describe('values this close are the same, in units'),
    relTolerance: tolerance.default(0).describe('values this close are the same, as a part of the larger magnitude'),
    readOnly: z.boolean().default(false).describe('true: no restore writes it'),
    tags: z.array(z.uuid()).default([]).describe('tag ids'),
    tagNames: z.record(z.string().trim().min(1).max(255), z.array(z.string().trim().min(1).max(255))).optional().describe('tags by name, {group: [tag]}; groups and tags that do not exist are made'),
  })
  .refine((entry) => entry.setpointAddress !== null || entry.readbackAddress !== null || entry.configAddress !== null, {
    message: 'an entry needs at least one of setpointAddress, readbackAddress, configAddress',
  });
export type NewCatalogueEntry = z.output<typeof newCatalogueEntry>;
export type NewCatalogueEntryInput = z.input<typeof newCatalogueEntry>;
/** What an entry is besides its tags. */
export type EntryField = Exclude<keyof NewCatalogueEntry, 'tags' | 'tagNames'>;

/** Fields that are absent stay as they are; null clears an address. */
export const catalogueEntryEdit = z.object({
  setpointAddress: address.optional(),
  readbackAddress: address.optional(),
  configAddress: address.optional(),
  device: z.string().trim().max(255).nullish(),
  description: z.string().trim().max(1000).nullish(),
  absTolerance: tolerance.nullish(),
  relTolerance: tolerance.nullish(),
  readOnly: z.boolean().nullish(),
  tags: z.array(z.uuid()).nullish(),
});
export type CatalogueEntryEdit = z.output<typeof catalogueEntryEdit>;

export const tag = z.object({ id: z.string(), name: z.string(), description: z.string().nullable(), groupId: z.string(), groupName: z.string() });
export type Tag = z.output<typeof tag>;

export const catalogueEntry = z.object({
  id: z.string(),
  setpointAddress: z.string().nullable(),
  readbackAddress: z.string().nullable(),
  configAddress: z.string().nullable(),
  device: z.string(),
  description: z.string(),
  absTolerance: z.number(),
  relTolerance: z.number(),
  readOnly: z.boolean(),
  tags: z.array(tag),
  createdDate: z.string(),
  lastModifiedDate: z.string(),
});
export type CatalogueEntry = z.output<typeof catalogueEntry>;

/** One name of the dictionary as the ioc-hosts and coordinators see it. */
export interface CatalogueChannel {
  readonly id: number;
  readonly name: string;
  /** The IOC that served it last ("host:port"), from the directory; null = never found. */
  readonly ioc: string | null;
}
