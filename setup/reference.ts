/**
 * Writes docs/reference/ from the code: settings and subjects. `node setup/reference.ts` after a change of
 * either; a test fails while they differ.
 */
import { writeFileSync } from 'node:fs';
import { settings } from '../src/config.ts';
import { subjectTable } from '../src/contracts/subjects.ts';

const cell = (text: string): string => text.replaceAll('|', '\\|');

export function configurationPage(): string {
  const rows = Object.entries(settings).map(([name, { env, fallback, about }]) => {
    const value = name === 'id' ? 'the host name' : name === 'logFormat' ? 'pretty at a terminal, else json' : fallback === undefined ? '' : Array.isArray(fallback) ? fallback.join(' ') : String(fallback);
    return `| \`${env}\` | \`${name}\` | ${cell(value)} | ${cell(about)} |`;
  });
  return [
    '# Configuration',
    '',
    'Made from `src/config.ts` by `node setup/reference.ts`. A flag wins over the environment, the environment over the JSON file named by',
    '`DREY_CONFIG`, the file over the default. `npx drey config` prints what is in force and where each value came from.',
    '',
    '| variable | key in the file | default | what it is |',
    '|---|---|---|---|',
    ...rows,
    '',
    'Beside these, every `EPICS_CA_*` variable that a Channel Access client knows: `ADDR_LIST`, `AUTO_ADDR_LIST`, `NAME_SERVERS`, `SERVER_PORT`,',
    '`REPEATER_PORT`, `CONN_TMO`, `BEACON_PERIOD`, `MAX_ARRAY_BYTES`, `AUTO_ARRAY_BYTES`, `MAX_SEARCH_PERIOD`, `MCAST_TTL`.',
    '',
  ].join('\n');
}

export function subjectsPage(): string {
  return [
    '# Subjects',
    '',
    'Made from `src/contracts/subjects.ts` by `node setup/reference.ts`. Everything said on the bus; `frame` = `src/contracts/frame.ts`, the rest is JSON.',
    '',
    '| subject | kind | from | to | body | answer | about |',
    '|---|---|---|---|---|---|---|',
    ...subjectTable.map((row) => `| \`${row.subject}\` | ${row.kind} | ${row.from} | ${row.to} | ${cell(row.body)} | ${cell(row.answer ?? '')} | ${cell(row.about)} |`),
    '',
  ].join('\n');
}

export const pages = { 'configuration.md': configurationPage, 'subjects.md': subjectsPage };

if (import.meta.main) for (const [name, page] of Object.entries(pages)) writeFileSync(new URL(`../docs/reference/${name}`, import.meta.url), page());
