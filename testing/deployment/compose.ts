import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { PROJECT } from '../harness/run-folder.ts';

export interface ComposeService {
  image: string;
  command?: string[];
  environment?: Record<string, string>;
  depends_on?: Record<string, { condition: string }>;
  build?: { target: string };
  volumes?: string[];
  healthcheck?: object;
}

/** docker-compose.yml with its merges done and the secrets of `.env` filled in. */
export function composeServices(secret: (name: string) => string): Record<string, ComposeService> {
  const text = readFileSync(join(PROJECT, 'docker-compose.yml'), 'utf8').replace(/\$\{(\w+):\?[^}]*\}/g, (_, name: string) => secret(name));
  return (parse(text, { merge: true }) as { services: Record<string, ComposeService> }).services;
}

/** Those that run Drey itself. */
export function rolesOf(services: Record<string, ComposeService>): [name: string, service: ComposeService][] {
  return Object.entries(services).filter(([, { image }]) => image === 'drey');
}
