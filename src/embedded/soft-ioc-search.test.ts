import { chmodSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../../testing/harness/index.ts';
import { EPICSCORELIBS_VERSION, findSoftIoc, inspectSoftIoc } from './soft-ioc-search.ts';

/** A Python as far as the search looks: it makes venvs and takes packages, or does not. */
const PYTHON = `
case "$*" in
  *"-m venv"*) VENV
    mkdir -p "$3/bin"; cp "$0" "$3/bin/python";;
  *"-m pip install"*) PIP
    echo "$*" >> "$(dirname "$0")/pip-was-asked";;
  *"import epicscorelibs.ioc"*) dirname "$(dirname "$0")";;
esac`;

test('softIoc on PATH comes first and is told to read no commands', async () => {
  using folder = temporaryFolder('search');
  const softIoc = program(folder.path, 'bin/softIoc');
  const report = await findSoftIoc({ folder: folder.path, environment: { PATH: dirname(softIoc), EPICS_BASE: '/nowhere' } });
  expect(report).toMatchObject({ source: 'PATH', found: softIoc, command: [softIoc, '-S'] });
});

test('EPICS_BASE is searched under EPICS_HOST_ARCH, or under every architecture', async () => {
  using folder = temporaryFolder('search');
  const softIoc = program(folder.path, 'base/bin/linux-x86_64/softIoc');
  const base = { PATH: '', EPICS_BASE: join(folder.path, 'base') };
  expect(await inspectSoftIoc({ folder: folder.path, environment: base })).toMatchObject({ source: 'EPICS_BASE', found: softIoc });
  expect(await inspectSoftIoc({ folder: folder.path, environment: { ...base, EPICS_HOST_ARCH: 'linux-x86_64' } })).toMatchObject({ found: softIoc });
  const other = await inspectSoftIoc({ folder: folder.path, environment: { ...base, EPICS_HOST_ARCH: 'vxWorks-ppc' } });
  expect(other.found).toBeUndefined();
  expect(other.tried[1]).toEqual({ source: 'EPICS_BASE', outcome: `no softIoc in ${join(folder.path, 'base')}/bin/vxWorks-ppc` });
});

test('an override is the only source', async () => {
  using folder = temporaryFolder('search');
  await expect(findSoftIoc({ folder: folder.path, environment: { PATH: '/usr/bin:/bin' }, override: '/nowhere/softIoc' }))
    .rejects.toThrow(/soft IOC was not found[\s\S]*DREY_SOFT_IOC: no program at \/nowhere\/softIoc/);
});

test('the Python package goes into a venv, once', async () => {
  using folder = temporaryFolder('search');
  const environment = pythonIn(folder.path);
  const report = await findSoftIoc({ folder: folder.path, environment });
  expect(report).toMatchObject({ source: 'Python package epicscorelibs', version: `epicscorelibs ${EPICSCORELIBS_VERSION}` });
  expect(report.command).toEqual([expect.stringMatching(/epics\/python-\w+\/bin\/python$/), '-m', 'epicscorelibs.ioc']);
  const again = await findSoftIoc({ folder: folder.path, environment });
  expect(again).toMatchObject({ source: 'brought before', command: report.command });
});

test('where venv is missing the package goes into a folder by pip alone', async () => {
  using folder = temporaryFolder('search');
  const environment = pythonIn(folder.path, { venv: 'echo "ensurepip is not available" >&2; exit 1' });
  const { command } = await findSoftIoc({ folder: folder.path, environment });
  expect(command).toEqual(['/usr/bin/env', expect.stringMatching(/^PYTHONPATH=.*epics\/python-/), 'PYTHONNOUSERSITE=1', join(folder.path, 'bin', 'python3'), '-m', 'epicscorelibs.ioc']);
});

test('when neither works both reasons are given, and nothing is left', async () => {
  using folder = temporaryFolder('search');
  const environment = pythonIn(folder.path, { pip: 'echo "no route to the index" >&2; exit 1' });
  await expect(findSoftIoc({ folder: folder.path, environment })).rejects.toThrow(/pip in a venv: exit code 1: no route to the index; pip --target: exit code 1: no route to the index/);
  expect(readdirSync(join(folder.path, 'epics'))).toEqual([]);
});

test('without Python the error says so, and what to do', async () => {
  using folder = temporaryFolder('search');
  await expect(findSoftIoc({ folder: folder.path, environment: { PATH: '' } })).rejects.toThrow(/no python3 on PATH[\s\S]*DREY_SOFT_IOC/);
});

test('inspecting looks but fetches nothing', async () => {
  using folder = temporaryFolder('search');
  const report = await inspectSoftIoc({ folder: folder.path, environment: pythonIn(folder.path) });
  expect(report.found).toBeUndefined();
  expect(report.tried.at(-1)?.outcome).toMatch(/^not asked/);
  expect(existsSync(join(folder.path, 'bin', 'pip-was-asked'))).toBe(false);
});

function pythonIn(folder: string, { venv = '', pip = '' } = {}): Record<string, string> {
  program(folder, 'bin/python3', PYTHON.replace('VENV', venv).replace('PIP', pip));
  return { PATH: `${join(folder, 'bin')}:/usr/bin:/bin` };
}

function program(folder: string, path: string, script = ''): string {
  const file = join(folder, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `#!/bin/sh\n${script}\n`);
  chmodSync(file, 0o755);
  return file;
}
