/** JSON as bytes in large pieces: strings of tens of megabytes cost twice, once to be put together and once to be encoded. */
import { numberJson } from './value-json.ts';

const pieceBytes = 256 * 1024;
/** Longer texts are copied by the runtime quicker than letter by letter. */
const shortText = 12;
const zero = 0x30;
const quote = 0x22;
const backslash = 0x5c;

export class JsonBytes {
  #piece: Buffer;
  #at = 0;
  #before = 0;
  #full: Buffer[] = [];

  /** The first piece has room for so many bytes. */
  constructor(firstPiece = pieceBytes) {
    this.#piece = Buffer.allocUnsafeSlow(firstPiece);
  }

  /** Bytes so far. */
  get length(): number {
    return this.#before + this.#at;
  }

  /** Pieces that are full; they are the caller's. */
  taken(): Buffer[] {
    const full = this.#full;
    if (full.length > 0) this.#full = [];
    return full;
  }

  /** All that is left. */
  finish(): Buffer[] {
    this.#full.push(this.#piece.subarray(0, this.#at));
    this.#before += this.#at;
    this.#at = 0;
    this.#piece = Buffer.alloc(0);
    return this.taken();
  }

  #room(bytes: number): void {
    if (this.#at + bytes <= this.#piece.length) return;
    this.#full.push(this.#piece.subarray(0, this.#at));
    this.#before += this.#at;
    this.#piece = Buffer.allocUnsafeSlow(Math.max(pieceBytes, bytes));
    this.#at = 0;
  }

  /** Text of ASCII letters alone, as it stands. */
  ascii(text: string): void {
    const { length } = text;
    this.#room(length);
    if (length > shortText) {
      this.#at += this.#piece.write(text, this.#at, 'latin1');
      return;
    }
    const piece = this.#piece;
    let at = this.#at;
    for (let i = 0; i < length; i++) piece[at++] = text.charCodeAt(i);
    this.#at = at;
  }

  /** JSON text of any letters. */
  text(text: string): void {
    // A UTF-16 unit is at most three bytes of UTF-8.
    this.#room(text.length * 3);
    this.#at += this.#piece.write(text, this.#at, 'utf8');
  }

  /** As a JSON string. */
  string(text: string): void {
    const { length } = text;
    this.#room(length + 2);
    const piece = this.#piece;
    let at = this.#at;
    piece[at++] = quote;
    for (let i = 0; i < length; i++) {
      const letter = text.charCodeAt(i);
      if (letter < 0x20 || letter > 0x7e || letter === quote || letter === backslash) {
        this.text(JSON.stringify(text));
        return;
      }
      piece[at++] = letter;
    }
    piece[at++] = quote;
    this.#at = at;
  }

  number(value: number): void {
    if (Number.isInteger(value) && value > 0 && value < 1e9) this.digits(value, 0);
    else this.ascii(numberJson(value));
  }

  /** A whole number below 1e9, with zeros before it up to `width`. */
  digits(value: number, width: number): void {
    let count = 1;
    for (let bound = 10; bound <= value; bound *= 10) count += 1;
    const length = Math.max(count, width);
    this.#room(length);
    const piece = this.#piece;
    let rest = value | 0;
    for (let at = this.#at + length - 1; at >= this.#at; at--) {
      const tens = (rest / 10) | 0;
      piece[at] = zero + rest - tens * 10;
      rest = tens;
    }
    this.#at += length;
  }

  copy(bytes: Buffer, from = 0, to = bytes.length): void {
    this.#room(to - from);
    bytes.copy(this.#piece, this.#at, from, to);
    this.#at += to - from;
  }
}
