/** Files through the door: values and catalogue in, and out again. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startGateway, storeSnapshot, type GatewayForTest } from '../../testing/gateway/index.ts';
import { ReadOutcome, ValueKind } from '../contracts/values.ts';
import { snapshotFormatNames } from '../formats/registry.ts';
import type { CatalogueEntry } from '../contracts/catalogue.ts';

let gateway: GatewayForTest;
beforeAll(async () => {
  gateway = await startGateway();
  await gateway.good('POST', '/v1/pvs/multi', [
    { setpointAddress: 'F:PS1:CUR', readbackAddress: 'F:PS1:RB', device: 'PS1', absTolerance: 0.01, tagNames: { Area: ['LI21', 'Injector'] } },
    { setpointAddress: 'F:TEXT', description: 'line one\nline "two"', readOnly: true },
    { readbackAddress: 'F:RB:ALONE', tagNames: { Area: ['LI21'] } }, { configAddress: 'F:CFG:ALONE' },
    { setpointAddress: 'F:BIG' }, { setpointAddress: 'F:WF.VAL' },
  ]);
}, 60_000);
afterAll(async () => gateway?.[Symbol.asyncDispose]());

const file = (method: string, path: string, body: string, key?: string) => gateway.call(method, path, body, { headers: { 'content-type': 'application/x-www-form-urlencoded' }, ...(key ? { key } : {}) });
const rows = async (id: string) => (await gateway.good<{ pvValues: { pvName: string; setpointValue: { value: unknown; timestampNs: string | null; outcome: string } | null; readbackValue: { value: unknown } | null }[] }>('GET', `/v1/snapshots/${id}`)).pvValues;

test('a .sav becomes a snapshot of kind imported, matched to the catalogue whether a name says .VAL or not', async () => {
  const { status, body } = await file('POST', '/v1/snapshots/import?title=from%20autosave', '# save/restore V6.0\tx - 260801-101500\nF:PS1:CUR.VAL 12.5\nF:PS1:RB 12.49\nF:TEXT off\nF:WF @array@ { "1" "NaN" }\n<END>\n');
  expect({ status, body }).toMatchObject({ status: 200, body: { format: 'sav', channels: 4, entriesCreated: 0, snapshot: { title: 'from autosave', kind: 'imported', mode: 'imported', pvCount: 4, description: 'saved 2026-08-01 10:15:00', createdBy: 'test admin' } } });
  const values = await rows(body.snapshot.id as string);
  expect(values.map((row) => [row.pvName, row.setpointValue?.value, row.readbackValue?.value])).toEqual([['F:PS1:CUR', 12.5, 12.49], ['F:TEXT', 'off', undefined], ['F:WF.VAL', [1, 'NaN'], undefined]]);
  const { body: listed } = await gateway.call<{ id: string }[]>('GET', '/v1/snapshots?kind=imported');
  expect(listed.map((one) => one.id)).toContain(body.snapshot.id);
  const { results } = await gateway.persistence.audit.list({ what: 'snapshots.import' }, { limit: 10, offset: 0 });
  expect(results[0]).toMatchObject({ subject: body.snapshot.id, who: 'test admin', result: 'done' });
});

test('D1: a damaged file names its line and stores nothing', async () => {
  const before = await gateway.good<unknown[]>('GET', '/v1/snapshots');
  const { status, body } = await file('POST', '/v1/snapshots/import?format=sav', 'F:TEXT on\n');
  expect({ status, body }).toMatchObject({ status: 400, body: { code: 'badInput', faults: ['line 1: the file ends without <END>: it was cut off, or never written to its end'] } });
  expect((await file('POST', '/v1/snapshots/import', 'hello')).body.detail).toContain('say which it is with format=');
  expect((await gateway.call('POST', '/v1/snapshots/import', '\ud800\u0000'.slice(1), { headers: { 'content-type': 'text/plain' } })).status).toBe(400);
  expect(await gateway.good<unknown[]>('GET', '/v1/snapshots')).toHaveLength(before.length);
});

test('PVs that the catalogue lacks are refused with their list, or get entries with create=true and the scope for it', async () => {
  const csv = 'PV,SELECTED,TIMESTAMP,STATUS,SEVERITY,VALUE_TYPE,VALUE,READBACK,READBACK_VALUE,DELTA,READ_ONLY\nF:NEW:SP,1,1785579300.5,NONE,NONE,double,"1.5",F:NEW:RB,"1.4",,0\nF:TEXT,1,1785579300.0,NONE,MINOR,string,"on",F:NEW:TEXT,"ja",,1\n';
  const refused = await file('POST', '/v1/snapshots/import', csv);
  expect(refused).toMatchObject({ status: 422, body: { faults: ['F:NEW:SP is not in the catalogue', 'F:NEW:RB is not in the catalogue', 'F:NEW:TEXT is not in the catalogue'] } });
  expect((await file('POST', '/v1/snapshots/import?create=true', csv, await gateway.keyWith('read', 'snapshot'))).status).toBe(403);
  expect((await file('POST', '/v1/snapshots/import?create=true&dryRun=true', csv)).body).toMatchObject({ snapshot: null, entriesCreated: 2 });
  const { body } = await file('POST', '/v1/snapshots/import?create=true', csv);
  expect(body).toMatchObject({ format: 'phoebus', entriesCreated: 2, channels: 4 });
  const values = await rows(body.snapshot.id as string);
  expect(values.find((row) => row.pvName === 'F:NEW:SP')).toMatchObject({ setpointValue: { value: 1.5, timestampNs: '1785579300000000005' }, readbackValue: { value: 1.4 } });
  expect(values.find((row) => row.pvName === 'F:NEW:TEXT')).toMatchObject({ setpointValue: null, readbackValue: { value: 'ja' } });
});

test('S3: a snapshot goes out as NDJSON and comes back the same, descriptions and outcomes included', async () => {
  const stored = await storeSnapshot(gateway.persistence, 'to go out', {
    'F:PS1:CUR': { num: -0, severity: 2, status: 3, meta: { units: 'A', precision: 3, control: { low: -Infinity, high: Number.NaN } } },
    'F:PS1:RB': { outcome: ReadOutcome.timeout }, 'F:TEXT': { text: 'Größe\n"x"' }, 'F:BIG': { kind: ValueKind.int64, num: 9007199254740992, text: '9007199254740993' },
    'F:WF.VAL': { kind: ValueKind.float, bytes: new Uint8Array(Float32Array.of(1.5, NaN).buffer) },
  });
  const out = await gateway.call<string>('GET', `/v1/snapshots/${stored.id}/export`);
  expect(out.headers.get('content-disposition')).toBe('attachment; filename="to_go_out.ndjson"');
  expect(out.headers.get('x-drey-losses')).toBe('[]');
  const { body } = await file('POST', '/v1/snapshots/import', out.body);
  const about = ({ pvValues }: { pvValues: unknown[] }) => pvValues;
  expect(about(await gateway.good('GET', `/v1/snapshots/${body.snapshot.id}`))).toEqual(about(await gateway.good('GET', `/v1/snapshots/${stored.id}`)));
  for (const format of snapshotFormatNames) expect((await gateway.call('GET', `/v1/snapshots/${stored.id}/export?format=${format}`)).status).toBe(200);
  const sav = await gateway.call<string>('GET', `/v1/snapshots/${stored.id}/export?format=sav`);
  expect(sav.body).toContain('#F:PS1:RB timeout\n');
  expect(JSON.parse(sav.headers.get('x-drey-losses')!)).toContain('autosave holds no alarms: 1 left out');
});

test('entries made for an imported snapshot have the tags that they had, in their groups', async () => {
  const [made] = await gateway.good<CatalogueEntry[]>('POST', '/v1/pvs/multi', [{ setpointAddress: 'F:TAGGED', tagNames: { Area: ['LI21'], 'Taken by': ['me', 'LI21'] } }]);
  const stored = await storeSnapshot(gateway.persistence, 'with tags', { 'F:TAGGED': { num: 1 } });
  const out = await gateway.call<string>('GET', `/v1/snapshots/${stored.id}/export`);
  await gateway.good('DELETE', `/v1/pvs/${made!.id}`);
  const { body } = await file('POST', '/v1/snapshots/import?create=true', out.body);
  expect(body).toMatchObject({ entriesCreated: 1, losses: [] });
  const named = async () => (await gateway.good<CatalogueEntry[]>('GET', '/v1/pvs?pvName=F:TAGGED'))[0]!.tags.map(({ groupName, name }) => `${groupName}/${name}`);
  expect(await named()).toEqual(['Area/LI21', 'Taken by/me', 'Taken by/LI21']);

  // A file of before groups were kept: `me` is one group's alone, LI21 stands in two.
  await gateway.good('DELETE', `/v1/pvs/${(await gateway.good<CatalogueEntry[]>('GET', '/v1/pvs?pvName=F:TAGGED'))[0]!.id}`);
  const old = await file('POST', '/v1/snapshots/import?create=true', out.body.replaceAll(/,"groups":\[[^\]]*\]/g, ''));
  expect(old.body.losses).toEqual([expect.stringMatching(/^1 left out, tags whose group .*: LI21$/)]);
  expect(await named()).toEqual(['Taken by/me']);
});

test('the catalogue goes out as CSV and comes back the same', async () => {
  const { body: csv } = await gateway.call<string>('GET', '/v1/pvs/export');
  const plain = (entries: CatalogueEntry[]) => entries.map(({ id: _, createdDate: __, lastModifiedDate: ___, ...entry }) => entry).sort((a, b) => String(a.setpointAddress ?? a.readbackAddress).localeCompare(String(b.setpointAddress ?? b.readbackAddress)));
  const before = await gateway.good<CatalogueEntry[]>('GET', '/v1/pvs');
  for (const { id } of before) await gateway.good('DELETE', `/v1/pvs/${id}`);
  const back = await file('POST', '/v1/pvs/import', csv);
  expect(back).toMatchObject({ status: 200, body: { rows: before.length, registered: before.length, skipped: 0, errors: [] } });
  expect(plain(await gateway.good('GET', '/v1/pvs'))).toEqual(plain(before));
  const { totalCount } = await gateway.good<{ totalCount: number }>('GET', '/v1/pvs/paged');
  const { catalogue: revision } = await gateway.persistence.catalogue.revisions();
  for (const dryRun of [true, false]) {
    const { body: again } = await gateway.call<string>('GET', '/v1/pvs/export');
    expect(again.split('\n').sort()).toEqual(csv.split('\n').sort());
    expect(await file('POST', `/v1/pvs/import?dryRun=${dryRun}&onExisting=update`, again)).toMatchObject({ status: 200, body: { rows: before.length, registered: 0, unchanged: before.length, updated: 0, skipped: 0, errors: [] } });
  }
  expect(await gateway.good('GET', '/v1/pvs/paged')).toMatchObject({ totalCount });
  expect(await gateway.persistence.catalogue.revisions()).toMatchObject({ catalogue: revision });
  expect((await gateway.call<string>('GET', '/v1/pvs/export?format=burt-req')).body).toContain('RO F:TEXT\n');
});

test('what the catalogue loses as CSV is told before the file', async () => {
  const [made] = await gateway.good<CatalogueEntry[]>('POST', '/v1/pvs/multi', [{ setpointAddress: 'N:A', device: 'None', description: 'nan' }]);
  const { headers, body } = await gateway.call<string>('GET', '/v1/pvs/export?pvName=N:A');
  expect(body).toBe('Setpoint,Readback,Config,Device,Description,Abs Tolerance,Rel Tolerance,Read Only\nN:A,,,None,nan,0,0,false\n');
  expect(JSON.parse(headers.get('x-drey-losses')!)).toEqual(['2 devices or descriptions are "nan" or "none", which an import reads as nothing']);
  await gateway.good('DELETE', `/v1/pvs/${made!.id}`);
});

test('a catalogue import fails with the lines of its faults, or skips them, and a dry run changes nothing', async () => {
  const csv = 'Setpoint,Abs Tolerance\nI:A,0.1\nI:B,tiny\nF:TEXT,1\nI:A,2\nI:B,1\n';
  const errors = ['line 3: Abs Tolerance: "tiny" is not a number', 'line 4: setpoint F:TEXT is of a catalogue entry that differs: Abs Tolerance 0, here 1', 'line 5: setpoint I:A stands on line 2 already'];
  const answer = { rows: 2, skipped: 3, unchanged: 0, updated: 0, errors, tagGroups: [] };
  expect(await file('POST', '/v1/pvs/import', csv)).toMatchObject({ status: 400, body: { faults: errors } });
  expect((await file('POST', '/v1/pvs/import', 'Setpoint,Description\nF:TEXT,\n')).body.faults).toEqual(['line 2: setpoint F:TEXT is of a catalogue entry that differs: Description "line one\\nline \\"two\\"", here none']);
  expect((await file('POST', '/v1/pvs/import?onError=skip&dryRun=true', csv)).body).toEqual({ ...answer, registered: 0 });
  expect((await gateway.good<unknown[]>('GET', '/v1/pvs?pvName=I:A'))).toHaveLength(0);
  expect((await file('POST', '/v1/pvs/import?onError=skip', csv)).body).toEqual({ ...answer, registered: 2 });
  // The sound line of a setpoint goes in, although a faulty one stands before it.
  expect(await gateway.good('GET', '/v1/pvs?pvName=I:B')).toMatchObject([{ setpointAddress: 'I:B', absTolerance: 1 }]);
  expect(await file('POST', '/v1/pvs/import?format=req&macros=P=I:,M=m1', '$(P)$(M):CUR\n')).toMatchObject({ status: 200, body: { registered: 1 } });
  expect((await file('POST', '/v1/pvs/import?format=req', 'file sub.req\n')).body.faults[0]).toContain('line 1: includes sub.req, which cannot be read here');
});

test('A1: onExisting=update edits the entries that differ, in the columns of the file, and says so in the audit log', async () => {
  await gateway.good('POST', '/v1/pvs/multi', [{ setpointAddress: 'U:A', description: 'stays', tagNames: { Area: ['LI21'] } }, { setpointAddress: 'U:B', absTolerance: 0.5 }, { readbackAddress: 'U:R' }]);
  const csv = 'Setpoint,Readback,Abs Tolerance\nU:A,,0.25\nU:B,,0.5\n,U:R,1\nU:N,,2\n';
  const refused = await file('POST', '/v1/pvs/import', csv);
  expect(refused).toMatchObject({ status: 400, body: { faults: ['line 2: setpoint U:A is of a catalogue entry that differs: Abs Tolerance 0, here 0.25', 'line 4: readback U:R is of a catalogue entry that differs: Abs Tolerance 0, here 1'] } });
  expect(refused.body.detail).toContain('onExisting=update');
  expect((await file('POST', '/v1/pvs/import?onExisting=update&dryRun=true', csv)).body).toMatchObject({ rows: 4, registered: 0, unchanged: 1, updated: 2, skipped: 0 });
  expect((await file('POST', '/v1/pvs/import?onExisting=update', csv)).body).toMatchObject({ rows: 4, registered: 1, unchanged: 1, updated: 2, skipped: 0 });
  expect((await gateway.good<CatalogueEntry[]>('GET', '/v1/pvs?pvName=U:'))).toMatchObject([{ setpointAddress: 'U:A', description: 'stays', absTolerance: 0.25, tags: [{ name: 'LI21' }] }, { absTolerance: 0.5 }, { readbackAddress: 'U:R', absTolerance: 1 }, { setpointAddress: 'U:N', absTolerance: 2 }]);
  const { results: [edit] } = await gateway.persistence.audit.list({ what: 'pvs.edit' }, { limit: 1, offset: 0 });
  expect(edit).toMatchObject({ who: 'test admin', subject: '2 entries', before: { count: 2, entries: [{ absTolerance: 0 }, { absTolerance: 0 }] }, after: { count: 2, entries: [{ absTolerance: 0.25 }, { absTolerance: 1 }] }, result: 'done' });
  const { results: [made] } = await gateway.persistence.audit.list({ what: 'pvs.create' }, { limit: 1, offset: 0 });
  expect(made).toMatchObject({ subject: '1 entries', after: { count: 1, entries: [{ setpointAddress: 'U:N' }] } });
  for (const { id } of await gateway.good<CatalogueEntry[]>('GET', '/v1/pvs?pvName=U:')) await gateway.good('DELETE', `/v1/pvs/${id}`);
});

test.each(['fail', 'skip'])('D1: what breaks the file itself registers nothing, onError=%s or not', async (onError) => {
  const before = (await gateway.good<unknown[]>('GET', '/v1/pvs')).length;
  const refused = (body: string | Uint8Array) => file('POST', `/v1/pvs/import?onError=${onError}`, body as string);
  expect(await refused('Setpoint,Device\nQ:A,a\nQ:B,"b\nQ:C,c\n')).toMatchObject({ status: 422, body: { code: 'invalid', faults: ['line 3: the double quote on line 3, character 5 is never closed: the file ends on line 5'] } });
  expect(await refused('Setpont,Readback,Area\nQ:A,Q:B,x\n')).toMatchObject({ status: 422, body: { faults: [expect.stringContaining('did you mean Setpoint?')] } });
  expect(await gateway.good<unknown[]>('GET', '/v1/pvs')).toHaveLength(before);
});

test('the answer says which tag groups and tags are new, a dry run too', async () => {
  await file('POST', '/v1/pvs/import', 'Setpoint,Area\nT:A,LI21\n');
  const csv = 'Setpoint,AREA,Crate\nT:B,"LI22,li21",C1\nT:C,LI22,\nT:A,LI99,C9\n';
  const tagGroups = [{ name: 'Area', isNew: false, tags: 2, newTags: 1, firstNewTags: ['LI22'] }, { name: 'Crate', isNew: true, tags: 1, newTags: 1, firstNewTags: ['C1'] }];
  expect((await file('POST', '/v1/pvs/import?dryRun=true&onError=skip', csv)).body).toMatchObject({ rows: 2, registered: 0, tagGroups });
  expect((await gateway.good<{ name: string }[]>('GET', '/v1/tags')).map(({ name }) => name)).not.toContain('Crate');
  expect((await file('POST', '/v1/pvs/import?onError=skip', csv)).body).toMatchObject({ rows: 2, registered: 2, tagGroups });
  const [entry] = await gateway.good<CatalogueEntry[]>('GET', '/v1/pvs?pvName=T:B');
  expect(entry!.tags.map(({ groupName, name }) => `${groupName}/${name}`)).toEqual(['Area/LI22', 'Area/LI21', 'Crate/C1']);
});
