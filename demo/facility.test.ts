import { expect, it } from 'vitest';
import { newCatalogueEntry } from '../src/contracts/catalogue.ts';
import { demoCatalogue } from './catalogue.ts';
import { facility, planned } from './facility.ts';
import { databaseText, record } from './record.ts';

const names = new Set(facility().flatMap((ioc) => ioc.records.map((each) => each.name)));
const addresses = demoCatalogue().flatMap((entry) => [entry.setpointAddress, entry.readbackAddress, entry.configAddress].filter((address) => typeof address === 'string'));

it('has about two thousand records on four IOCs, none of them twice', () => {
  const all = facility().flatMap((ioc) => ioc.records);
  expect(facility().map((ioc) => ioc.name)).toEqual(['magnets', 'rf', 'diagnostics', 'vacuum-motion']);
  expect(all.length).toBeGreaterThan(1_900);
  expect(all.length).toBeLessThan(2_200);
  expect(names.size).toBe(all.length);
});

it('registers only what its IOCs serve, except the sector that is not built', () => {
  const missing = new Set(addresses.map((address) => address.replace(/\.VAL\$$/, '')).filter((address) => !names.has(address)));
  const expected = planned().flatMap((entry) => [entry.setpointAddress, entry.readbackAddress].filter((address) => typeof address === 'string'));
  expect([...missing].sort()).toEqual([...expected].sort());
  expect(expected.length).toBeGreaterThan(4);
});

it('registers no address twice', () => {
  const setpoints = demoCatalogue().map((entry) => entry.setpointAddress).filter((address) => typeof address === 'string');
  expect(new Set(setpoints).size).toBe(setpoints.length);
});

it('fits the catalogue contract, tags included', () => {
  for (const entry of demoCatalogue()) {
    expect(newCatalogueEntry.safeParse(entry).error?.issues ?? []).toEqual([]);
    expect(Object.keys(entry.tagNames ?? {})).toEqual(['Area', 'System', 'Kind']);
  }
});

it('offers every kind of value that a snapshot must carry', () => {
  const types = new Set(facility().flatMap((ioc) => ioc.records.map((each) => each.type)));
  for (const type of ['ao', 'ai', 'bo', 'bi', 'mbbo', 'mbbi', 'longout', 'longin', 'int64out', 'int64in', 'stringout', 'stringin', 'lso', 'lsi', 'waveform', 'compress']) {
    expect(types, type).toContain(type);
  }
});

it('links only to records of the same IOC, because a soft IOC would search the network for others', () => {
  for (const ioc of facility()) {
    const own = new Set(ioc.records.map((each) => each.name));
    for (const { name, fields } of ioc.records) {
      for (const [field, value] of Object.entries(fields)) {
        if (!/^(INP[A-L]?|OUT|FLNK|DOL\d|LNK\d)$/.test(field) || typeof value !== 'string' || /^[[{]/.test(value)) continue;
        const target = value.split(' ')[0]?.replace(/\.[A-Z$.]+$/, '') ?? '';
        expect(own.has(target), `${name}.${field} = ${value}`).toBe(true);
      }
    }
  }
});

it('writes quotes, backslashes and NaN so that an IOC reads them back', () => {
  const text = databaseText([record('stringout', 'A', { VAL: 'say "C:\\x"', DESC: 'x' }), record('ai', 'B', { VAL: Number.NaN })]);
  expect(text).toContain('field(VAL, "say \\"C:\\\\x\\"")');
  expect(text).toContain('field(VAL, "NaN")');
});
