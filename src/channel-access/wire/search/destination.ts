import type { SearchFrame } from './messages.ts';

/** Somebody who can be asked: an address on the network, or a name server. */
export interface Destination {
  isReady(): boolean;
  /** Datagrams are numbered, and their answers carry the number; a stream needs none. */
  readonly numbered: boolean;
  send(frame: SearchFrame): void;
}
