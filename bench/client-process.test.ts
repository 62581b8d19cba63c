import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { startSoftIoc } from '../testing/harness/index.ts';
import { ClientProcess } from './client-process.ts';
import { LineProgram } from './line-program.ts';

function node(program: string): LineProgram {
  return new LineProgram('the program', [process.execPath, '-e', `require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => { ${program} })`], process.env);
}

it('takes one command after the other, and ends when no more come', async () => {
  const program = node('console.log(JSON.stringify({ good: true, said: line }))');
  expect(await program.command('one')).toEqual({ good: true, said: 'one' });
  expect(await program.command('two 2')).toEqual({ good: true, said: 'two 2' });
  await program.stop(60_000);
});

it('says what a program could not finish, and its last words', async () => {
  const program = node('console.error("no IOC"); console.log(JSON.stringify({ good: line !== "get" })); if (line === "end") process.exit(3)');
  await expect(program.command('get')).rejects.toThrow(/^the program could not finish "get": {"good":false}/);
  await program.command('end');
  await expect(program.command('more')).rejects.toThrow('the program ended at "more". Its last words: no IOC');
  await program.stop(60_000);
});

it('measures a client in a process of its own, which says what went wrong', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'drey-bench-test-'));
  const database = join(folder, 'two.db');
  await writeFile(database, 'record(ao, "T:A") {}\nrecord(calc, "T:B") { field(SCAN, ".1 second") field(INPA, "T:B") field(CALC, "A+1") }\n');
  const ioc = await startSoftIoc({ databases: [database] });
  const client = await ClientProcess.start('wire', { iocs: [ioc], names: [['T:A', 'T:B']], addressList: ioc.address }, { folder, window: 4, profiles: undefined });
  try {
    await expect(client.get()).rejects.toThrow('the wire client could not finish "get"');
    await client.connect();
    const alone = client.residentMB;
    expect((await client.get()).ms).toBeGreaterThan(0);
    expect((await client.put(3)).cpuMs).toBeGreaterThan(0);
    expect((await client.monitor()).connectedMs).toBeGreaterThan(0);
    expect((await client.updates(1)).updates).toBeGreaterThan(0);
    expect(alone).toBeGreaterThan(20);
  } finally {
    await client.stop();
    await ioc.stop();
    await rm(folder, { recursive: true });
  }
});
