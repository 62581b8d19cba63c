// node bench/client-memory.ts wire|libca WINDOW FACILITY-FILE: one client alone in this process, and the
// resident memory after each phase, in MB, as a line of JSON.
import { readFileSync } from 'node:fs';
import { residentMB } from './process-figures.ts';
import { type ClientFacility, type ClientKind, startClient } from './wire-client.ts';

const [kind, window, path = ''] = process.argv.slice(2);
const client = await startClient(kind as ClientKind, JSON.parse(readFileSync(path, 'utf8')) as ClientFacility, Number(window));
const resident = (): number => residentMB(process.pid);

const start = resident();
await client.connected();
const connected = resident();
for (let sweep = 0; sweep < 5; sweep++) await client.get();
const get = resident();
await client.put(1);
const put = resident();
await client.monitorAll();
const monitors = resident();
await client.stop();
process.stdout.write(`${JSON.stringify({ start, connected, get, put, monitors })}\n`);
