import type { Create } from './client.ts';
export function describeHostile(_create: Create, _port: () => number): void {}
