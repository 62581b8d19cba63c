/** The Channel Access client in plain TypeScript: see docs/decisions and the port. */
import type { CaOptions, ChannelAccess } from '../port.ts';
import { WireClient } from './main/client.ts';

export function createWireClient(options: CaOptions): ChannelAccess {
  return new WireClient(options);
}
