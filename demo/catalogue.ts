import type { DemoEntry } from './device.ts';
import { facility, planned } from './facility.ts';

/** Everything that the demo registers at first start, in the order in which people read it. */
export function demoCatalogue(): DemoEntry[] {
  return [...facility().flatMap((ioc) => ioc.entries), ...planned()];
}
