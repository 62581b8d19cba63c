/** An IOC's complaint about a request: the request's own header comes back inside it. */
import { headerSize } from './header.ts';
import type { Frame } from './frames.ts';
import { HostileBytes } from './hostile.ts';

export interface ErrorReport {
  /** Of the request. */
  readonly command: number;
  /** Second parameter of the request: the id that was given to it. */
  readonly requestId: number;
  /** ECA number. */
  readonly code: number;
}

export function errorReport(frame: Frame): ErrorReport {
  if (frame.size < headerSize) throw new HostileBytes(`an error message of ${frame.size} bytes; it must hold a header of ${headerSize}`);
  return {
    command: frame.view.getUint16(frame.at),
    requestId: frame.view.getUint32(frame.at + 12),
    code: frame.parameter2,
  };
}
