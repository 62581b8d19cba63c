import type { NewCatalogueEntryInput } from '../src/contracts/catalogue.ts';
import type { DbRecord } from './record.ts';

export type DemoEntry = NewCatalogueEntryInput & { device: string };

export interface DemoDevice {
  records: DbRecord[];
  entries: DemoEntry[];
}

export const areas = ['LI21', 'LI22', 'LI23', 'LI24'] as const;

/** A number from 0 up to 1 that depends on the name alone: the same facility at every start. */
export function fixed(name: string): number {
  let hash = 2166136261;
  for (const character of name) hash = Math.imul(hash ^ character.charCodeAt(0), 16777619);
  // FNV's low bits are uneven for names that differ in their last digit only.
  hash = Math.imul(hash ^ (hash >>> 15), 2246822519);
  return ((hash ^ (hash >>> 13)) >>> 0) / 4294967296;
}

export function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}

export function entry(
  device: string,
  description: string,
  addresses: { setpointAddress?: string; readbackAddress?: string; configAddress?: string },
  tags: { area: string; system: string; kind: string },
  more: { absTolerance?: number; relTolerance?: number; readOnly?: boolean } = {},
): DemoEntry {
  return {
    ...addresses,
    device,
    description,
    absTolerance: more.absTolerance ?? 0,
    relTolerance: more.relTolerance ?? 0,
    // What has no setpoint cannot be restored.
    readOnly: more.readOnly ?? addresses.setpointAddress === undefined,
    tagNames: { Area: [tags.area], System: [tags.system], Kind: [tags.kind] },
  };
}
