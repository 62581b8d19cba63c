/** The command line as a person runs it, against a gateway under test. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { PROJECT, temporaryFolder } from '../harness/run-folder.ts';

export interface CommandAnswer {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number | null;
}

export async function runCommand(gateway: { readonly url: string; readonly admin: string }, ...args: string[]): Promise<CommandAnswer> {
  using folder = temporaryFolder('command');
  const environment = { ...process.env, DREY_DATA: folder.path, DREY_URL: gateway.url, DREY_API_KEY: gateway.admin, NODE_COMPILE_CACHE: join(PROJECT, '.drey', 'compile-cache') };
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(PROJECT, 'src', 'main.ts'), ...args], { env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (data) => (stdout += String(data)));
    child.stderr.on('data', (data) => (stderr += String(data)));
    child.once('error', reject);
    child.once('close', (code) => resolve({ stdout, stderr, code }));
  });
}
