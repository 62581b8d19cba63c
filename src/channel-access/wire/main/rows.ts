/**
 * The main thread's side of the shared columns: which row is whose, and who looks after it just now.
 * A row is given out again only after everybody who might still write to it has let go of it.
 */
import { ChannelState, type ChannelColumns } from '../../columns.ts';

/** Who looks after a row. */
export const Place = {
  free: 0,
  /** The search. */
  search: 1,
  /** Nobody until a pause is over; then the search. Or until its scouts are back. */
  pause: 2,
  /** The CA thread of its IOC. */
  thread: 3,
  /** The CA thread, which has been told to let go. */
  closing: 4,
} as const;

export class Rows {
  readonly place: Uint8Array;
  readonly monitored: Uint8Array;
  /** Whether the channel was ever connected: then losing it is `disconnected`, not `notFound`. */
  readonly known: Uint8Array;
  /** How often in a row an IOC that answered the search then refused the channel. */
  readonly refusals: Uint8Array;
  /** Search id of each row. Ids are never used twice, so a late answer finds nobody. */
  readonly searchId: Int32Array;
  readonly names: (string | undefined)[] = [];
  readonly iocs: (string | undefined)[] = [];
  readonly #columns: ChannelColumns;
  readonly #rowOfSearch = new Map<number, number>();
  readonly #free: number[] = [];
  /** IOC whose thread has yet to let go of a closed row. */
  readonly #closingIoc = new Map<number, string>();
  /** Rows given out so far. */
  used = 0;
  #nextSearchId = 1;

  constructor(columns: ChannelColumns) {
    this.#columns = columns;
    this.place = new Uint8Array(columns.capacity);
    this.monitored = new Uint8Array(columns.capacity);
    this.known = new Uint8Array(columns.capacity);
    this.refusals = new Uint8Array(columns.capacity);
    this.searchId = new Int32Array(columns.capacity);
  }

  open(names: readonly string[], monitor: boolean): Int32Array {
    const { capacity } = this.#columns;
    const left = capacity - this.used + this.#free.length;
    if (names.length > left) {
      throw new RangeError(`cannot open ${names.length} channels: the columns hold ${capacity}, ${left} are free; raise the capacity`);
    }
    const rows = new Int32Array(names.length);
    names.forEach((name, i) => {
      const row = (rows[i] = this.#free.pop() ?? this.used++);
      const id = this.#nextSearchId++;
      this.names[row] = name;
      this.place[row] = Place.search;
      this.monitored[row] = monitor ? 1 : 0;
      this.known[row] = 0;
      this.refusals[row] = 0;
      this.searchId[row] = id;
      this.#rowOfSearch.set(id, row);
      this.#columns.state[row] = ChannelState.searching;
    });
    return rows;
  }

  /** The row that is searched under this id, or undefined when it is not, or no longer. */
  searched(id: number): number | undefined {
    const row = this.#rowOfSearch.get(id);
    return row !== undefined && this.place[row] === Place.search ? row : undefined;
  }

  /** Whether the row is open: its owner has not closed it. */
  isOpen(row: number): boolean {
    const place = this.place[row];
    return place !== undefined && place !== Place.free && place !== Place.closing;
  }

  isWith(row: number, ioc: string): boolean {
    return this.place[row] === Place.thread && this.iocs[row] === ioc;
  }

  searchIds(rows: Int32Array): Int32Array {
    return rows.map((row) => this.searchId[row]!);
  }

  namesOf(rows: Int32Array): string[] {
    return Array.from(rows, (row) => this.names[row]!);
  }

  nameOfSearch(id: number): string | undefined {
    const row = this.#rowOfSearch.get(id);
    return row === undefined ? undefined : this.names[row];
  }

  closingIoc(row: number): string {
    return this.#closingIoc.get(row) ?? '';
  }

  /** The owner has closed it and a thread still holds it. */
  closing(row: number): void {
    this.#closingIoc.set(row, this.iocs[row]!);
    this.place[row] = Place.closing;
    this.#forget(row);
  }

  /** Nobody holds it any more. */
  free(row: number): void {
    this.place[row] = Place.free;
    this.#closingIoc.delete(row);
    this.#forget(row);
    this.#columns.state[row] = ChannelState.free;
    this.#columns.updates[row] = 0;
    this.#free.push(row);
  }

  #forget(row: number): void {
    this.#rowOfSearch.delete(this.searchId[row]!);
    this.names[row] = undefined;
    this.iocs[row] = undefined;
    this.#columns.state[row] = ChannelState.free;
  }
}
