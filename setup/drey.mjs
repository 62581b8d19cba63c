#!/usr/bin/env node
// The door to everything: makes sure of what Drey needs, then runs it. Runs on an old Node and
// without any dependency, because both are what it brings.
//
//   node setup/drey.mjs up            the program with these arguments
//   node setup/drey.mjs --run vitest  a tool of the project under the right Node
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureDependencies } from './dependencies.mjs';
import { ensureNode } from './node.mjs';
import { SetUpFailed, announcer } from './progress.mjs';
import { runInPlace } from './run.mjs';
import { underSetUpLock } from './lock.mjs';

const project = dirname(dirname(fileURLToPath(import.meta.url)));
// Node would let what was just made take 128 MB before it looks what of it is still needed; looking sooner costs nothing measurable.
const SMALL_YOUNG_HEAP = '--max-semi-space-size=16';
const say = announcer();

try {
  const node = await ensureNode({ project, environment: process.env, say, lock: (work) => underSetUpLock(project, say, work) });
  await ensureDependencies({ project, environment: process.env, say, lock: (work) => underSetUpLock(project, say, work) });
  const args = process.argv.slice(2);
  await runInPlace({ project, node, command: args[0] === '--run' ? toolCommand(args.slice(1), node) : [node, SMALL_YOUNG_HEAP, join(project, 'src', 'main.ts'), ...args] });
} catch (fault) {
  if (!(fault instanceof SetUpFailed)) throw fault;
  console.error(fault.message);
  process.exitCode = 1;
}

function toolCommand([tool, ...args], node) {
  if (tool === undefined) throw new SetUpFailed('nothing to run', [['--run', 'needs the name of a tool, as in: --run vitest run']], '');
  return tool === 'node' ? [node, ...args] : [join(project, 'node_modules', '.bin', tool), ...args];
}
