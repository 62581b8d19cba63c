import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../testing/harness/index.ts';
import { PROJECT } from '../testing/harness/run-folder.ts';

const SOUND: Record<string, string> = {
  'src/contracts/words.ts': 'export type Word = string;\n',
  'src/kernel/clock.ts': "import type { Word } from '../contracts/words.ts';\nexport const now = (word: Word) => word;\n",
  'src/bus/port.ts': "import type { Word } from '../contracts/words.ts';\nexport type Bus = Word;\n",
  'src/bus/nats/index.ts': "import type { Bus } from '../port.ts';\nexport const bus: Bus = '';\n",
  'src/actors/facility/index.ts': "import type { Bus } from '../../bus/port.ts';\nimport { child } from '../pv-channel/index.ts';\nexport const facility = (bus: Bus) => [bus, child];\n",
  'src/actors/pv-channel/index.ts': 'export const child = 1;\n',
  'src/main.ts': "import { role } from './roles/up.ts';\nrole();\n",
  'src/roles/up.ts': "import { facility } from '../actors/facility/index.ts';\nimport { bus } from '../bus/nats/index.ts';\nexport const role = () => facility(bus);\n",
  'src/actors/facility/index.test.ts': "import { bus } from '../../bus/nats/index.ts';\nimport { help } from '../../../testing/help.ts';\nexport const tested = [bus, help];\n",
  'testing/help.ts': 'export const help = 1;\n',
};

/** A file with a fault, and what has to be said about it. */
const FAULTS: [file: string, text: string, said: string][] = [
  ['src/contracts/up.ts', "import { now } from '../kernel/clock.ts';\nexport const a = now;\n", 'layer contracts/'],
  ['src/kernel/up.ts', "import type { Bus } from '../bus/port.ts';\nexport type A = Bus;\n", 'layer kernel/'],
  ['src/persistence/other.ts', "import type { Bus } from '../bus/port.ts';\nexport type A = Bus;\n", 'layer persistence/'],
  ['src/actors/pv-channel/parent.ts', "import { facility } from '../facility/index.ts';\nexport const a = facility;\n", 'layer actors/pv-channel/'],
  ['src/actors/facility/behind.ts', "import { bus } from '../../bus/nats/index.ts';\nexport const a = bus;\n", 'layer actors/facility/'],
  ['src/gateway/actor.ts', "export const a = async () => import('../actors/facility/index.ts');\n", 'layer gateway/'],
  ['src/formats/disk.ts', "import { readFileSync } from 'node:fs';\nexport const a = readFileSync;\n", 'pure rules touch nothing outside'],
  ['src/kernel/tested.ts', "import { help } from '../../testing/help.ts';\nexport const a = help;\n", 'src needs no test code'],
  ['src/gateway/demo.ts', "import { demo } from '../../demo/start.ts';\nexport const a = demo;\n", 'src needs no demo'],
  ['demo/start.ts', 'export const demo = 1;\n', ''],
  ['src/utils/new.ts', 'export const lonely = 1;\n', 'no entry in setup/layers.cjs covers it'],
  ['src/cli/one.ts', "import type { Two } from './two.ts';\nexport type One = Two;\n", 'no cycles'],
  ['src/cli/two.ts', "import type { One } from './one.ts';\nexport type Two = One;\n", ''],
  ['src/cli/gone.ts', "export { gone } from './nowhere.ts';\n", 'what is imported exists'],
  ['src/cli/developer.ts', "import { test } from 'vitest';\nexport const a = test;\n", 'what runs is a dependency'],
];

test('sound imports pass, and every module is counted', () => {
  using project = projectOf(SOUND);
  expect(check(project.path)).toEqual({ code: 0, said: expect.stringContaining(`${Object.keys(SOUND).length} modules seen, 0 faults`) });
});

test('every seeded fault is found and named with its file', () => {
  using project = projectOf({ ...SOUND, ...Object.fromEntries(FAULTS.map(([file, text]) => [file, text])) });
  const { code, said } = check(project.path);
  expect(code).toBe(1);
  for (const [file, , words] of FAULTS) {
    if (words !== '') expect(said.split('\n').filter((line) => line.includes(file) && line.includes(words)), `${file}: ${words}`).not.toEqual([]);
  }
});

test('a checker that sees no modules fails instead of passing', () => {
  using project = projectOf(SOUND);
  writeFileSync(join(project.path, '.dependency-cruiser.cjs'), "module.exports = { forbidden: [], options: { exclude: { path: '.*' } } };\n");
  const { code, said } = check(project.path);
  expect(code).toBe(1);
  expect(said).toContain('no module was seen at all');
});

test('a file that the checker overlooks is named', () => {
  using project = projectOf(SOUND);
  writeFileSync(join(project.path, '.dependency-cruiser.cjs'), "module.exports = { forbidden: [], options: { tsPreCompilationDeps: true, exclude: { path: 'kernel' } } };\n");
  const { code, said } = check(project.path);
  expect(code).toBe(1);
  expect(said).toContain('src/kernel/clock.ts: not seen by the checker');
});

function projectOf(files: Record<string, string>): ReturnType<typeof temporaryFolder> {
  const folder = temporaryFolder('imports');
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder.path, file)), { recursive: true });
    writeFileSync(join(folder.path, file), text);
  }
  for (const name of ['package.json', 'tsconfig.json', '.dependency-cruiser.cjs', 'setup/layers.cjs']) cpSync(join(PROJECT, name), join(folder.path, name));
  symlinkSync(join(PROJECT, 'node_modules'), join(folder.path, 'node_modules'));
  return folder;
}

function check(project: string): { code: number | null; said: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(PROJECT, 'setup', 'check-imports.ts'), project], { encoding: 'utf8' });
  return { code: status, said: `${stdout}${stderr}` };
}
