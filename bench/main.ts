// npm run bench: Drey against the bare parts it is made of, side by side. See docs/bench.md.
import { cpus, loadavg, tmpdir, totalmem } from 'node:os';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { findSoftIoc } from '../src/embedded/soft-ioc-search.ts';
import { LimitProgram } from './limit-program.ts';
import type { RowResult } from './row.ts';
import { rows } from './rows/index.ts';
import { runRow } from './run-row.ts';
import { readSettings } from './settings.ts';
import { markdownTable } from './table.ts';
import { World } from './world.ts';

const say = (line: string): void => void process.stderr.write(`${line}\n`);
const settings = readSettings(process.argv.slice(2), rows.map(({ key }) => key));
const wanted = rows.filter(({ key }) => settings.only === undefined || settings.only.includes(key));

// The package and not the site's own EPICS: it brings libca with its headers, and the figures stay comparable.
const softIoc = await findSoftIoc({ folder: resolve(import.meta.dirname, '..', '.drey'), environment: process.env, onlyPackage: true, say });
const folder = await mkdtemp(join(tmpdir(), 'drey-bench-'));
const results: RowResult[] = [];
const startedAt = new Date();
const loadBefore = loadavg()[0] ?? 0;
const stamp = startedAt.toISOString().replaceAll(':', '-').slice(0, 19);
const target = resolve(import.meta.dirname, 'results');
const profiles = join(target, `${stamp}-profiles`);
const world = new World({ settings, folder, profiles, softIoc: softIoc.command, limitProgram: await LimitProgram.build(softIoc.found, folder), say });

const finish = async (): Promise<void> => {
  await world.stop();
  await rm(folder, { recursive: true, force: true });
};
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void finish().then(() => process.exit(130)));

try {
  for (const stage of ['wire', 'system'] as const) {
    for (const row of wanted.filter((each) => each.stage === stage)) {
      say(`${row.key}: ${row.work}`);
      const result = await runRow(row, world, settings.repeats, say);
      if (result.fault !== undefined) say(`  fault: ${result.fault}`);
      results.push(result);
    }
  }
} finally {
  await finish();
}

const report = {
  startedAt: startedAt.toISOString(),
  seconds: Math.round((Date.now() - startedAt.getTime()) / 1000),
  machine: { cpus: cpus().length, model: cpus()[0]?.model ?? 'unknown', memoryMB: Math.round(totalmem() / 2 ** 20), loadBefore, node: process.version, softIoc: softIoc.version },
  settings,
  results,
};
await mkdir(target, { recursive: true });
const file = join(target, `${stamp}${settings.quick ? '-quick' : ''}.json`);
await writeFile(file, `${JSON.stringify(report, null, 1)}\n`);
// Seen: the same cold start at 7, 9 and 18 times its limit within twenty minutes of other work on the machine.
const busy = loadBefore > cpus().length / 2 ? `The machine was busy before (load ${loadBefore.toFixed(1)} on ${cpus().length} cores): take no ratio at its word.\n` : '';
process.stdout.write(`${busy}${settings.iocs * settings.pvsPerIoc} PVs on ${settings.iocs} IOCs, medians of ${settings.repeats}\n\n${markdownTable(results)}\n\n${file}\n${settings.profile ? `node bench/profile.ts ${profiles}\n` : ''}`);
// A fault is one of the bench; a missed target is a finding.
process.exitCode = results.some(({ fault }) => fault !== undefined) ? 1 : 0;
