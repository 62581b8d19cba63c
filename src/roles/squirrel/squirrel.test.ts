/** A Squirrel database of its schema, filled by hand, into Drey's own. */
import { createHash } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createDatabase, type TestDatabase } from '../../../testing/harness/index.ts';
import { openStore, type ExampleStore } from '../../../testing/persistence/store.ts';
import { readConfig, type ReadConfig } from '../../config.ts';
import { readOutcomeNames } from '../../contracts/values.ts';
import { jsonValueOf } from '../../snapshots/json-values.ts';
import { migrateSquirrel, reportLines } from './index.ts';
import { savedValue } from './values.ts';

const schema = `
  create table tag_group (id uuid primary key default gen_random_uuid(), name varchar(255) not null unique, description text, created_at timestamptz not null default now(), updated_at timestamptz not null default now());
  create table tag (id uuid primary key default gen_random_uuid(), name varchar(255) not null, description text, group_id uuid not null references tag_group on delete cascade, created_at timestamptz not null default now(), updated_at timestamptz not null default now());
  create table pv (id uuid primary key default gen_random_uuid(), setpoint_address varchar(255) unique, readback_address varchar(255), config_address varchar(255), device varchar(255), description text,
    abs_tolerance float8 not null default 0, rel_tolerance float8 not null default 0, read_only bool not null default false, created_at timestamptz not null default now(), updated_at timestamptz not null default now());
  create table pv_tag (pv_id uuid references pv on delete cascade, tag_id uuid references tag on delete cascade, primary key (pv_id, tag_id));
  create table snapshot (id uuid primary key default gen_random_uuid(), title varchar(255) not null, description text, created_by varchar(255), created_at timestamptz not null default now(), updated_at timestamptz not null default now());
  create table snapshot_value (id uuid primary key default gen_random_uuid(), snapshot_id uuid not null references snapshot on delete cascade, pv_id uuid not null references pv on delete cascade, pv_name varchar(255) not null,
    setpoint_value jsonb, readback_value jsonb, status int, severity int, "timestamp" timestamptz);
  create table api_key (id uuid primary key default gen_random_uuid(), app_name varchar(255) not null, token_hash varchar(128) not null unique, is_active bool not null default true, read_access bool not null default false,
    write_access bool not null default false, created_at timestamptz not null default now(), updated_at timestamptz not null default now());`;

const token = 'sq_0123456789abcdef0123456789abcdef';
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

const content = `
  insert into tag_group (name, description) values ('Area', 'where'), ('Empty', null);
  insert into tag (name, description, group_id) select x.name, x.about, g.id from (values ('LI21', 'sector 21'), ('LI22', null)) x(name, about), tag_group g where g.name = 'Area';
  insert into pv (setpoint_address, readback_address, config_address, device, description, abs_tolerance, rel_tolerance, read_only) values
    ('ca://SQ:1:SP', 'SQ:1:RB', 'SQ:1:CFG', 'D1', 'first', 0.5, -0.1, false), ('SQ:2:SP', 'SQ:1:RB', null, null, null, 0, 0, true),
    (null, 'SQ:3:RB', null, 'D3', '', 0, 0, false), ('pva://SQ:4', null, null, null, null, 0, 0, false), ('SQ:5:SP', null, null, null, null, 0, 0, false);
  insert into pv_tag select p.id, t.id from pv p, tag t where p.device = 'D1';
  insert into snapshot (title, description, created_by, created_at) values ('old', 'before the stop', null, '2026-03-01T12:00:00Z'), ('new', null, 'ada', '2026-03-02T12:00:00Z');
  insert into snapshot_value (snapshot_id, pv_id, pv_name, setpoint_value, readback_value)
    select s.id, p.id, coalesce(p.setpoint_address, p.readback_address), v.setpoint::jsonb, v.readback::jsonb from snapshot s, pv p join (values
      ('ca://SQ:1:SP', '{"value": 12.0, "status": 3, "severity": 2, "timestamp": 1140000000.25, "units": "A", "precision": 3}', null),
      ('SQ:2:SP', '{"value": 9007199254740993, "status": 0, "severity": 0, "timestamp": 1140000001}', '{"value": [1.0, 2.5], "timestamp": 1772200000.5}'),
      ('SQ:3:RB', null, '{"value": "text", "severity": 0}'),
      ('pva://SQ:4', '{"value": 1}', null),
      ('SQ:5:SP', '{"value": null, "timestamp": null}', null)) v(name, setpoint, readback) on v.name = coalesce(p.setpoint_address, p.readback_address) where s.title = 'old';
  insert into api_key (app_name, token_hash, is_active, read_access, write_access) values
    ('operator', '${sha256(token)}', true, true, true), ('viewer', '${sha256('sq_viewer')}', true, true, false), ('gone', '${sha256('sq_gone')}', false, true, true), ('none', '${sha256('sq_none')}', true, false, false), ('odd', 'no hash', true, true, false);`;

let source: TestDatabase;
let store: ExampleStore;
let config: ReadConfig;

beforeAll(async () => {
  [source, store] = await Promise.all([createDatabase(), openStore()]);
  const client = new pg.Client({ connectionString: source.url });
  await client.connect();
  await client.query(schema);
  await client.query(content);
  await client.end();
  config = readConfig({ environment: { DATABASE_URL: store.url } });
  // Of the people who tried Drey before they moved in.
  await store.tags.ensure({ area: ['li21'] });
}, 60_000);
afterAll(async () => {
  await store?.[Symbol.asyncDispose]();
  await source?.drop();
});

const migrate = (dryRun = false) => migrateSquirrel(config, source.url.replace('postgresql://', 'postgresql+asyncpg://'), dryRun);
const everything = async () => ({
  entries: (await store.catalogue.search({}, { limit: 100, offset: 0 })).results,
  groups: await store.tags.groups(),
  keys: await store.apiKeys.list(false),
  snapshots: (await store.snapshots.list({ kind: 'imported' }, { limit: 100, offset: 0 })).results,
});

test('a dry run says what would be copied and copies nothing', async () => {
  const before = await everything();
  const report = await migrate(true);
  expect(report).toMatchObject({ pvs: { read: 5, copied: 4, there: 0 }, tagGroups: { read: 2, copied: 1, there: 1 }, tags: { read: 2, copied: 1, there: 1 }, keys: { read: 5, copied: 3 }, snapshots: { read: 2, copied: 2 }, values: 5 });
  expect(await everything()).toEqual(before);
});

test('catalogue, tags, keys and snapshots are copied, and what is left out or changed is told with its reason', async () => {
  const report = await migrate();
  expect(report).toMatchObject({ pvs: { read: 5, copied: 4, there: 0 }, tagGroups: { copied: 1, there: 1 }, tags: { copied: 1, there: 1 }, keys: { read: 5, copied: 3, there: 0 }, snapshots: { read: 2, copied: 2 }, values: 5 });
  expect(report.pvs.skipped).toEqual([expect.stringContaining('pva://SQ:4: "pva://SQ:4" asks for PVAccess')]);
  expect(report.keys.skipped.sort()).toEqual(['none: it may neither read nor write', 'odd: its hash is no SHA-256 in hexadecimal']);
  const lines = reportLines(report).join('\n');
  expect(lines).toContain('ca://SQ:1:SP: its relative tolerance -0.1 became 0');
  expect(lines).toContain('snapshot "old": 1 values are of PVs that were left out');
  expect(lines).toContain('snapshot "old": 1 values are null');

  const { entries, groups, snapshots } = await everything();
  expect(entries.map((entry) => [entry.setpointAddress, entry.readbackAddress, entry.configAddress, entry.device, entry.description, entry.absTolerance, entry.relTolerance, entry.readOnly, entry.tags.map((tag) => tag.name).sort()])).toEqual([
    ['SQ:1:SP', 'SQ:1:RB', 'SQ:1:CFG', 'D1', 'first', 0.5, 0, false, ['LI22', 'li21']], ['SQ:2:SP', 'SQ:1:RB', null, '', '', 0, 0, true, []],
    [null, 'SQ:3:RB', null, 'D3', '', 0, 0, false, []], ['SQ:5:SP', null, null, '', '', 0, 0, false, []],
  ].sort((a, b) => String(a[0] ?? a[1]).localeCompare(String(b[0] ?? b[1]))));
  expect(groups.map((group) => [group.name, group.tags.length])).toEqual([['area', 2], ['Empty', 0]]);
  expect(snapshots.map((one) => [one.title, one.description, one.createdBy, one.createdDate, one.mode])).toEqual([['new', '', 'ada', '2026-03-02T12:00:00.000Z', 'imported'], ['old', 'before the stop', 'squirrel', '2026-03-01T12:00:00.000Z', 'imported']]);
});

test('S3: values keep kind, digits, time, alarm and units; null says that there is none', async () => {
  const [old] = (await store.snapshots.list({ title: 'old' }, { limit: 1, offset: 0 })).results;
  const page = await store.snapshots.page(old!.id, {});
  const shown = Object.fromEntries((await store.catalogue.names(page.columns.channel)).map((name, row) => {
    const { columns } = page;
    return [name, [jsonValueOf(columns, row), columns.severity[row], columns.status[row], String(columns.timeNs[row]), readOutcomeNames[columns.outcome[row]!]]];
  }));
  expect(shown).toEqual({
    'SQ:1:SP': [12, 2, 3, '1771152000250000000', 'ok'], 'SQ:2:SP': ['9007199254740993', 0, 0, '1771152001000000000', 'ok'], 'SQ:1:RB': [[1, 2.5], 0, 0, '1772200000500000000', 'ok'],
    'SQ:3:RB': ['text', 0, 0, '0', 'ok'], 'SQ:5:SP': [null, 0, 0, '0', 'disconnected'],
  });
  expect(page.entries.map((entry) => entry.setpoint?.name ?? entry.readback?.name)).toEqual(['SQ:1:SP', 'SQ:2:SP', 'SQ:3:RB', 'SQ:5:SP']);
  expect([...page.metas.values()]).toEqual([{ units: 'A', precision: 3 }]);
});

test('a token of Squirrel goes on working, an inactive one does not, and a write key makes no keys', async () => {
  expect(await store.apiKeys.verify(token)).toMatchObject({ appName: 'operator', scopes: ['read', 'write', 'snapshot', 'restore'] });
  expect((await store.apiKeys.verify('sq_viewer'))?.scopes).toEqual(['read']);
  expect(await store.apiKeys.verify('sq_gone')).toBeUndefined();
});

test('a second run adds nothing', async () => {
  const before = await everything();
  const report = await migrate();
  expect(report).toMatchObject({ pvs: { copied: 0, there: 4 }, tagGroups: { copied: 0, there: 2 }, tags: { copied: 0, there: 2 }, keys: { copied: 0, there: 3 }, snapshots: { copied: 0, there: 2 }, values: 0 });
  const strip = (state: Awaited<ReturnType<typeof everything>>) => ({ ...state, keys: state.keys.map(({ lastUsedAt: _, ...key }) => key) });
  expect(strip(await everything())).toEqual(strip(before));
});

test('D1: a database that is none of Squirrel is refused with the tables it lacks', async () => {
  await using other = await createDatabase();
  await expect(migrateSquirrel(config, other.url, true)).rejects.toThrow('it has no table pv, tag, tag_group');
  await expect(migrateSquirrel(config, 'mysql://u:secret@h/d', true)).rejects.toThrow('mysql://u:***@h/d is no postgres:// address');
});

test('stamps count from 1990, or from 1970 where the other reading would be after the snapshot', () => {
  const taken = Date.parse('2026-03-01T12:00:00Z') / 1000;
  expect(savedValue('{"value": 1, "timestamp": 1140000000}', taken)).toMatchObject({ timeNs: 1771152000000000000n });
  expect(savedValue('{"value": 1, "timestamp": 1772000000}', taken)).toMatchObject({ timeNs: 1772000000000000000n });
  expect(savedValue('{"value": NaN}', taken)).toMatchObject({ num: Number.NaN, timeNs: 0n });
});
