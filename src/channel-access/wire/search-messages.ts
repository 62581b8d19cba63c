/** What the main thread and the search thread say to each other. */
import type { IocAddress } from '../port.ts';

export type FinderCommand =
  | { readonly do: 'add'; readonly ids: Int32Array; readonly names: readonly string[] }
  | { readonly do: 'remove'; readonly ids: Int32Array }
  /** Known to be at `ioc`: who else has them? */
  | { readonly do: 'review'; readonly ids: Int32Array; readonly names: readonly string[]; readonly ioc: IocAddress }
  | { readonly do: 'urge'; readonly ids?: Int32Array | undefined }
  | { readonly do: 'stop' };

export type FinderReport =
  /** `which` gives for each id the place of its IOC in `iocs`. */
  | { readonly is: 'found'; readonly ids: Int32Array; readonly iocs: readonly IocAddress[]; readonly which: Uint16Array }
  | { readonly is: 'duplicate'; readonly id: number; readonly used: IocAddress; readonly other: IocAddress }
  | { readonly is: 'beacon'; readonly ioc: IocAddress; readonly what: 'new' | 'restarted' | 'missing' };
