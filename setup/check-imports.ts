// Checks the import rules. A checker that sees no modules finds no faults, so every source file on
// disk has to be among those that it saw.
//   node setup/check-imports.ts [project]
import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cruise, type ICruiseResult } from 'dependency-cruiser';
import extractOptions from 'dependency-cruiser/config-utl/extract-depcruise-config';
import extractTsConfig from 'dependency-cruiser/config-utl/extract-ts-config';

const FOLDERS = ['src', 'demo', 'testing', 'bench'];

export async function importFaults(project: string): Promise<{ modules: number; faults: string[] }> {
  process.chdir(project); // the checker names modules relative to where it runs
  const present = FOLDERS.filter((folder) => filesIn(project, folder).length > 0);
  const rules = await extractOptions(join(project, '.dependency-cruiser.cjs'));
  const { output } = await cruise(
    present, { ...rules.options, ruleSet: rules, validate: true } as Parameters<typeof cruise>[1], {}, { tsConfig: extractTsConfig(join(project, 'tsconfig.json')) },
  );
  const { modules, summary } = output as ICruiseResult;
  const seen = new Set(modules.map(({ source }) => source).filter((source) => FOLDERS.some((folder) => source.startsWith(`${folder}/`))));
  const unseen = present.flatMap((folder) => filesIn(project, folder)).filter((file) => !seen.has(file));
  const faults = summary.violations.filter(({ rule }) => rule.severity === 'error').map(({ rule, from, to, cycle }) =>
    `${from} -> ${cycle === undefined ? to : cycle.map(({ name }) => name).join(' -> ')}: ${rule.name}`);
  return {
    modules: seen.size,
    faults: [
      ...seen.size === 0 ? ['no module was seen at all: the checker and the compiler do not fit together'] : [],
      ...unseen.map((file) => `${file}: not seen by the checker`),
      ...foldersWithoutRule(project),
      ...new Set(faults),
    ],
  };
}

/** Needed beside the rule of the same sense: a folder that imports nothing breaks no rule about imports. */
function foldersWithoutRule(project: string): string[] {
  const { layers } = createRequire(import.meta.url)(join(project, 'setup', 'layers.cjs')) as { layers: Record<string, string[]> };
  const entries = Object.keys(layers);
  return filesIn(project, 'src')
    .filter((file) => !file.endsWith('.test.ts') && !entries.some((entry) => file === `src/${entry}` || (entry.endsWith('/') && file.startsWith(`src/${entry}`))))
    .map((file) => `${file}: no entry in setup/layers.cjs covers it`);
}

function filesIn(project: string, folder: string): string[] {
  try {
    return readdirSync(join(project, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name.endsWith('.ts') && !entry.name.endsWith('.d.ts'))
      .map((entry) => relative(project, join(entry.parentPath, entry.name)));
  } catch {
    return [];
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const project = resolve(process.argv[2] ?? dirname(dirname(fileURLToPath(import.meta.url))));
  const { modules, faults } = await importFaults(project);
  for (const fault of faults) console.error(fault);
  console.log(`import rules: ${modules} modules seen, ${faults.length} faults`);
  process.exitCode = faults.length === 0 ? 0 : 1;
}
