/** Tags, PVs and keys of a Squirrel database into Drey's. What is there already stays as it is. */
import { newCatalogueEntry, type CatalogueEntry, type NewCatalogueEntry } from '../../contracts/catalogue.ts';
import { DreyError } from '../../contracts/errors.ts';
import { scopesOf } from '../../gateway/access.ts';
import type { Persistence } from '../../persistence/port.ts';
import type { MigrationReport } from './report.ts';
import type { SourceGroup, SourceKey, SourcePv } from './source.ts';

export async function copyTags(store: Persistence, groups: readonly SourceGroup[], report: MigrationReport): Promise<void> {
  const there = new Map((await store.tags.groups()).map((group) => [group.name.toLowerCase(), group]));
  for (const { name, description, tags } of groups) {
    report.tagGroups.read += 1;
    let group = there.get(name.toLowerCase());
    if (group) report.tagGroups.there += 1;
    else {
      report.tagGroups.copied += 1;
      if (!report.dryRun) group = await store.tags.createGroup(name, description);
      if (group) there.set(name.toLowerCase(), group);
    }
    const known = new Set(group?.tags.map((tag) => tag.name.toLowerCase()));
    for (const tag of tags) {
      report.tags.read += 1;
      if (known.has(tag.name.toLowerCase())) report.tags.there += 1;
      else {
        known.add(tag.name.toLowerCase());
        report.tags.copied += 1;
        if (!report.dryRun && group) await store.tags.createTag(group.id, tag.name, tag.description);
      }
    }
  }
}

/** What stays of a PV: its names as Drey has them, and what tells it from others. */
export interface CopiedPv {
  readonly setpoint: string | null;
  readonly readback: string | null;
  readonly key: string;
}

const keyOf = (setpoint: string | null, readback: string | null, config: string | null): string => setpoint ?? `\0${readback ?? ''}\0${config ?? ''}`;
const longestDescription = 1000;
const atOnce = 50_000;

/** By id in Squirrel; PVs that were left out are not in it. */
export async function copyPvs(store: Persistence, pvs: readonly SourcePv[], report: MigrationReport): Promise<Map<string, CopiedPv>> {
  const there = new Set((await allEntries(store)).map((entry) => keyOf(entry.setpointAddress, entry.readbackAddress, entry.configAddress)));
  const copied = new Map<string, CopiedPv>();
  const fresh: NewCatalogueEntry[] = [];
  const seen = new Set<string>();
  for (const pv of pvs) {
    report.pvs.read += 1;
    const name = pv.setpoint ?? pv.readback ?? pv.config ?? pv.id;
    const tagNames: Record<string, string[]> = {};
    for (const { group, tag } of pv.tags) (tagNames[group] ??= []).push(tag);
    const checked = newCatalogueEntry.safeParse({
      setpointAddress: pv.setpoint, readbackAddress: pv.readback, configAddress: pv.config, device: pv.device, description: pv.description?.trim().slice(0, longestDescription),
      absTolerance: clipped(pv.abs), relTolerance: clipped(pv.rel), readOnly: pv.read_only, tagNames,
    });
    if (!checked.success) {
      report.pvs.skipped.push(`${name}: ${checked.error.issues[0]!.message}`);
      continue;
    }
    for (const [what, value] of [['absolute', pv.abs], ['relative', pv.rel]] as const) if (clipped(value) !== value) report.notes.push(`${name}: its ${what} tolerance ${value} became 0`);
    if ((pv.description?.trim().length ?? 0) > longestDescription) report.notes.push(`${name}: its description was cut to ${longestDescription} characters`);
    const { setpointAddress, readbackAddress, configAddress } = checked.data;
    const key = keyOf(setpointAddress, readbackAddress, configAddress);
    copied.set(pv.id, { setpoint: setpointAddress, readback: readbackAddress, key });
    if (there.has(key)) report.pvs.there += 1;
    else if (seen.has(key)) report.pvs.skipped.push(`${name}: another PV of the same addresses was copied`);
    else {
      seen.add(key);
      fresh.push(checked.data);
      report.pvs.copied += 1;
    }
  }
  if (!report.dryRun) for (let at = 0; at < fresh.length; at += atOnce) await store.catalogue.create(fresh.slice(at, at + atOnce));
  return copied;
}

const clipped = (tolerance: number): number => (Number.isFinite(tolerance) && tolerance > 0 ? tolerance : 0);

export async function allEntries(store: Persistence): Promise<CatalogueEntry[]> {
  const all: CatalogueEntry[] = [];
  for (let continuationToken: string | undefined, more = true; more; ) {
    const page = await store.catalogue.list({}, { pageSize: 10_000, ...(continuationToken === undefined ? {} : { continuationToken }) });
    all.push(...page.results);
    more = page.continuationToken !== null;
    continuationToken = page.continuationToken ?? undefined;
  }
  return all;
}

export async function entryIdsByKey(store: Persistence): Promise<Map<string, string>> {
  return new Map((await allEntries(store)).map((entry) => [keyOf(entry.setpointAddress, entry.readbackAddress, entry.configAddress), entry.id]));
}

/** Tokens stay good: both systems keep their SHA-256 alone. */
export async function copyKeys(store: Persistence, keys: readonly SourceKey[], report: MigrationReport): Promise<void> {
  const active = new Set((await store.apiKeys.list(true)).map((key) => key.appName));
  for (const key of keys) {
    report.keys.read += 1;
    const scopes = scopesOf({ readAccess: key.read_access, writeAccess: key.write_access });
    if (!/^[0-9a-f]{64}$/i.test(key.token_hash)) report.keys.skipped.push(`${key.app_name}: its hash is no SHA-256 in hexadecimal`);
    else if (scopes.length === 0) report.keys.skipped.push(`${key.app_name}: it may neither read nor write`);
    else if (report.dryRun) report.keys.copied += 1;
    else {
      try {
        const copied = await store.apiKeys.adoptHash({ appName: key.app_name, scopes, tokenSha256: Buffer.from(key.token_hash, 'hex'), isActive: key.is_active });
        if (copied === undefined) report.keys.there += 1;
        else report.keys.copied += 1;
        if (copied && key.write_access) report.notes.push(`key ${key.app_name}: it may write, take snapshots and restore, and no longer make keys: that needs the scope admin`);
      } catch (error) {
        if (!(error instanceof DreyError) || error.code !== 'conflict') throw error;
        report.keys.skipped.push(`${key.app_name}: ${active.has(key.app_name) ? 'Drey has another active key of that name' : error.message}`);
      }
    }
  }
}
