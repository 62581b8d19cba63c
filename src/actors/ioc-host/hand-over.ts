/** Which channels this host opens and closes, given who lives. Pure. */
import { iocPlacementKey, placementKey, type Placement } from '../../kernel/placement.ts';
import type { ChannelTable } from './channel-table.ts';

export interface HandOver {
  readonly open: Int32Array;
  readonly close: Int32Array;
}

/** A host holds the channels of the IOCs it owns, and of those whose IOC nobody knows, its share by name. Among `ids`, or all. */
export function handOver(table: Pick<ChannelTable, 'ids' | 'name' | 'iocOf' | 'rowOf'>, placement: Placement, host: string, ids: Iterable<number> = table.ids()): HandOver {
  const open: number[] = [];
  const close: number[] = [];
  const mineByIoc = new Map<string, boolean>();
  const isMine = (id: number): boolean => {
    const ioc = table.iocOf(id);
    if (ioc === null) return placement.owner(placementKey(null, table.name(id)!)) === host;
    let mine = mineByIoc.get(ioc);
    if (mine === undefined) {
      mine = placement.owner(iocPlacementKey(ioc)) === host;
      mineByIoc.set(ioc, mine);
    }
    return mine;
  };
  for (const id of ids) {
    const held = table.rowOf(id) >= 0;
    if (isMine(id) !== held) (held ? close : open).push(id);
  }
  return { open: Int32Array.from(open), close: Int32Array.from(close) };
}
