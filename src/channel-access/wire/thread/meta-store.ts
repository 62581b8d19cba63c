/**
 * Descriptions, interned. Thousands of channels share a few: the bytes on the wire are the key, so
 * that decoding and hashing happen once per different description.
 */
import type { ChannelMeta } from '../../../contracts/values.ts';
import { decodeControl, describingEnd, describingStart } from '../protocol/decode-control.ts';
import { Native } from '../protocol/dbr.ts';
import { metaHash } from '../protocol/meta-hash.ts';
import { ChannelFlag } from './channel-flags.ts';

export interface InternedMeta {
  readonly hash: bigint;
  readonly meta: ChannelMeta;
}

/** Limits that move all the time must not fill the memory: beyond this many everything is learned anew. */
const mostRemembered = 20_000;

export class MetaStore {
  readonly #byBytes = new Map<string, InternedMeta>();
  readonly #labels = new Map<bigint, readonly string[]>();
  #fresh: (readonly [bigint, ChannelMeta])[] = [];

  intern(native: number, elements: number, bytes: Buffer, view: DataView, at: number): InternedMeta {
    const key = `${native} ${elements} ${bytes.toString('latin1', at + describingStart, at + describingEnd[native]!)}`;
    return this.#byBytes.get(key) ?? this.#keep(key, decodeControl(native, elements, bytes, view, at));
  }

  /** The description of text, for which there is none to be had from an IOC; undefined for anything else. */
  ofText(native: number, elements: number, flags: number): InternedMeta | undefined {
    const longText = (flags & ChannelFlag.longText) !== 0;
    if (!longText && native !== Native.string) return undefined;
    const texts = longText ? 1 : elements;
    const key = `text ${texts}`;
    return this.#byBytes.get(key) ?? this.#keep(key, texts > 1 ? { maxElements: texts } : {});
  }

  /** Labels of an enum by the hash of its description. */
  labels(hash: bigint): readonly string[] | undefined {
    return this.#labels.get(hash);
  }

  /** Descriptions interned since the last call: the main thread has not seen them. */
  takeFresh(): readonly (readonly [bigint, ChannelMeta])[] {
    const fresh = this.#fresh;
    this.#fresh = [];
    return fresh;
  }

  #keep(key: string, meta: ChannelMeta): InternedMeta {
    const interned = { hash: metaHash(meta), meta };
    if (this.#byBytes.size >= mostRemembered) this.#byBytes.clear();
    this.#byBytes.set(key, interned);
    if (meta.labels !== undefined) this.#labels.set(interned.hash, meta.labels);
    this.#fresh.push([interned.hash, meta]);
    return interned;
  }
}
