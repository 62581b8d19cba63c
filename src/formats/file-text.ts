/** Bytes as text. D1: what is no UTF-8 text is refused with its line, whatever format the file was to be of. */

/** A file read whole. */
export function textOfFile(bytes: Uint8Array): { readonly text: string } | { readonly fault: string } {
  return createTextReader().push(bytes, true);
}

export interface TextReader {
  /** The text of the lines that are whole by now; of all that is left with the last piece. */
  push(bytes: Uint8Array, last?: boolean): { readonly text: string } | { readonly fault: string };
}

/** For files that come in pieces. A line is kept until it is whole, up to `longestLine` bytes of it. */
export function createTextReader(longestLine = Infinity): TextReader {
  const kept: Uint8Array[] = [];
  let keptLength = 0;
  let lines = 0;
  return {
    push: (bytes, last = false) => {
      // No part of a longer character is a line feed, so a cut behind one cuts none.
      const end = last ? bytes.length : bytes.lastIndexOf(10) + 1;
      if (end === 0 && !last) {
        kept.push(bytes);
        keptLength += bytes.length;
        return keptLength > longestLine ? { fault: `line ${lines + 1}: has more than ${longestLine} bytes` } : { text: '' };
      }
      const whole = joined([...kept, bytes.subarray(0, end)], keptLength + end);
      kept.splice(0, kept.length, bytes.subarray(end));
      keptLength = bytes.length - end;
      const first = lines === 0;
      const text = decoded(whole);
      const fault = (first ? wideFault(whole) : undefined) ?? nulFault(whole, lines + 1) ?? (text === undefined ? notUtf8(whole, lines + 1) : undefined);
      if (fault !== undefined) return { fault };
      lines += breaksIn(whole);
      return { text: first && text!.startsWith('\ufeff') ? text!.slice(1) : text! };
    },
  };
}

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const loose = new TextDecoder('utf-8', { ignoreBOM: true });

function decoded(bytes: Uint8Array): string | undefined {
  try {
    return strict.decode(bytes);
  } catch {
    return undefined;
  }
}

/** Files of Windows programs that write two bytes a character. */
function wideFault(bytes: Uint8Array): string | undefined {
  const marked = (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff);
  return marked ? 'line 1: the file is UTF-16: save it as UTF-8' : undefined;
}

function notUtf8(bytes: Uint8Array, firstLine: number): string {
  let line = firstLine;
  for (let at = 0; at <= bytes.length; line++) {
    const lf = bytes.indexOf(10, at);
    const end = lf < 0 ? bytes.length : lf;
    const one = bytes.subarray(at, end);
    if (decoded(one) === undefined) return `line ${line}, character ${loose.decode(one).indexOf('\ufffd') + 1}: is not UTF-8 text (Latin-1, or no text at all?): save the file as UTF-8`;
    at = end + 1;
  }
  return `line ${firstLine}: is not UTF-8 text`;
}

function nulFault(bytes: Uint8Array, firstLine: number): string | undefined {
  const nul = bytes.indexOf(0);
  return nul < 0 ? undefined : `line ${firstLine + breaksIn(bytes.subarray(0, nul))}: holds a NUL byte: the file is UTF-16, or no text at all`;
}

function breaksIn(bytes: Uint8Array): number {
  let found = 0;
  for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, at + 1)) found += 1;
  return found;
}

function joined(parts: readonly Uint8Array[], length: number): Uint8Array {
  if (parts.length === 1) return parts[0]!;
  const all = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
