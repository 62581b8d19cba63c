import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { temporaryFolder } from '../../testing/harness/run-folder.ts';
import { inspectLibca } from './libca-search.ts';
import { bringSink, inspectSink } from './libca-sink.ts';

describe('Finding libca', () => {
  test('takes what was named and nothing else, and says where it looked in vain', async () => {
    using folder = temporaryFolder('libca');
    const report = await inspectLibca({ folder: folder.path, environment: {}, override: join(folder.path, 'none.so') });
    expect(report.found).toBeUndefined();
    expect(report.tried).toEqual([{ source: 'DREY_LIBCA', outcome: `no file at ${folder.path}/none.so` }]);
  });

  test('prefers the EPICS base of the site', async () => {
    using folder = temporaryFolder('libca');
    const libraries = join(folder.path, 'lib', 'linux-x86_64');
    mkdirSync(libraries, { recursive: true });
    writeFileSync(join(libraries, 'libca.so'), '');
    const report = await inspectLibca({ folder: folder.path, environment: { EPICS_BASE: folder.path, EPICS_HOST_ARCH: 'linux-x86_64' } });
    expect([report.source, report.found]).toEqual(['EPICS_BASE', join(libraries, 'libca.so')]);
  });
});

describe('The sink', () => {
  test('is compiled once, and says why not where there is no compiler', async () => {
    using folder = temporaryFolder('sink');
    const without = { folder: folder.path, environment: { PATH: folder.path } };
    expect(await bringSink(without)).toEqual({ why: 'no cc on PATH' });
    const built = await bringSink({ folder: folder.path, environment: process.env });
    expect(built).toHaveProperty('path');
    expect(inspectSink(without)).toEqual({ ...built, compiler: null });
  });
});
