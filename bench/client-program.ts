// node bench/client-program.ts wire|libca WINDOW FACILITY-FILE: one of our clients, alone in its process as the C program
// is in its own, and driven like it: one command per line on standard input, one JSON object per line back.
//
//   connect      a fresh client: search, connect all
//   get          all channels, decoded
//   put N        put with callback to all; N makes the values differ from the last time
//   monitor      a fresh client: search, connect, subscribe all, wait for the first update of each
//   updates S    CPU time and updates during S seconds (after monitor)
//   disconnect   end the client
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { type ClientFacility, type ClientKind, startClient } from './wire-client.ts';

const [kind, window, path = ''] = process.argv.slice(2);
const client = await startClient(kind as ClientKind, JSON.parse(readFileSync(path, 'utf8')) as ClientFacility, Number(window));

const commands: Record<string, (argument: number) => Promise<object | void>> = {
  connect: () => client.connected(),
  get: () => client.get(),
  put: (salt) => client.put(salt),
  monitor: () => client.monitorAll(),
  updates: (seconds) => client.updates(seconds),
  disconnect: () => client.disconnected(),
};

for await (const line of createInterface({ input: process.stdin })) {
  const [command = '', argument] = line.split(' ');
  const answer = await commands[command]!(Number(argument)).then((figures) => ({ good: true, ...figures }), (fault: unknown) => ({ good: false, fault: String(fault) }));
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
await client.stop();
