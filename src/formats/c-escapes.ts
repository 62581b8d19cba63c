/** Backslash escapes of C in bytes and back. */
const short: Readonly<Record<string, number>> = { a: 7, b: 8, t: 9, n: 10, v: 11, f: 12, r: 13 };
const shortOf = new Map(Object.entries(short).map(([letter, byte]) => [byte, letter]));
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The text, and its bytes where they are not UTF-8. */
export function unescapeC(escaped: string): { text: string; raw: Uint8Array | undefined } {
  if (!escaped.includes('\\')) return { text: escaped, raw: undefined };
  const bytes: number[] = [];
  for (let at = 0; at < escaped.length; ) {
    if (escaped[at] !== '\\') {
      const end = escaped.indexOf('\\', at);
      const plain = end < 0 ? escaped.slice(at) : escaped.slice(at, end);
      for (const byte of new TextEncoder().encode(plain)) bytes.push(byte);
      at += plain.length;
      continue;
    }
    const octal = /^[0-7]{1,3}/.exec(escaped.slice(at + 1, at + 4))?.[0];
    const hex = /^x[0-9a-fA-F]{1,2}/.exec(escaped.slice(at + 1, at + 4))?.[0];
    if (octal !== undefined) {
      bytes.push(Number.parseInt(octal, 8) & 255);
      at += 1 + octal.length;
    } else if (hex !== undefined) {
      bytes.push(Number.parseInt(hex.slice(1), 16));
      at += 1 + hex.length;
    } else {
      const next = escaped[at + 1] ?? '\\';
      if (next in short) bytes.push(short[next]!);
      else for (const byte of new TextEncoder().encode(next)) bytes.push(byte);
      at += 1 + next.length;
    }
  }
  const all = Uint8Array.from(bytes);
  try {
    return { text: utf8.decode(all), raw: undefined };
  } catch {
    return { text: new TextDecoder().decode(all), raw: all };
  }
}

const octal = (byte: number): string => `\\${byte.toString(8).padStart(3, '0')}`;

export function escapeC(text: string): string {
   
  return text.replace(/[\\"\x00-\x1f\x7f]/g, (char) => {
    const code = char.charCodeAt(0);
    const letter = shortOf.get(code);
    if (letter !== undefined) return `\\${letter}`;
    return char === '\\' || char === '"' ? `\\${char}` : octal(code);
  });
}

/** The first character as a number, so that what follows is not taken for something else. */
export const escapeFirst = (text: string): string => (text === '' ? text : `${[...new TextEncoder().encode([...text][0])].map(octal).join('')}${escapeC([...text].slice(1).join(''))}`);

export const escapeBytes = (bytes: Uint8Array): string => Array.from(bytes, octal).join('');
