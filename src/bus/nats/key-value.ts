import { Kvm, type KV, type KvWatchEntry } from '@nats-io/kv';
import { DreyError } from '../../contracts/errors.ts';
import type { KeyValue } from '../port.ts';
import type { Link } from './link.ts';
import { expiries } from './expiries.ts';
import { revived } from './revived.ts';

const validKey = /^[A-Za-z0-9_=/-]+(\.[A-Za-z0-9_=/-]+)*$/;

export async function openKeyValue(link: Link, bucket: string): Promise<KeyValue> {
  const attempt = async <T>(what: string, run: () => Promise<T>): Promise<T> => {
    link.check(what);
    try {
      return await run();
    } catch (fault) {
      throw link.fault(fault, what);
    }
  };
  const { kv, ttlMs } = await attempt(`open bucket ${bucket}`, async () => {
    const opened = await new Kvm(link.stream).open(bucket, { allow_direct: true });
    return { kv: opened, ttlMs: (await opened.status()).ttl };
  });
  const on = async <T>(verb: string, key: string, run: () => Promise<T>): Promise<T> => {
    if (!validKey.test(key)) throw new DreyError('badInput', `${verb} in bucket ${bucket}: "${key}" is no key; letters, digits, "_", "-", "=", "/" and single dots are`);
    return attempt(`${verb} ${key} in bucket ${bucket}`, run);
  };
  const get: KeyValue['get'] = (key) =>
    on('get', key, async () => {
      const entry = await kv.get(key);
      return entry?.operation === 'PUT' ? { value: entry.value, revision: entry.revision } : undefined;
    });

  return {
    get,
    keys: () =>
      attempt(`keys of bucket ${bucket}`, async () => {
        const keys: string[] = [];
        for await (const key of await kv.keys()) keys.push(key);
        return keys;
      }),
    put: (key, value) => on('put', key, () => kv.put(key, value)),
    create: (key, value) => on('create', key, () => kv.create(key, value)),
    update: (key, value, revision) => on('update', key, () => kv.update(key, value, revision)),
    delete: (key) => on('delete', key, () => kv.delete(key)),
    watch: (listener) => attempt(`watch bucket ${bucket}`, () => watch(link, kv, bucket, ttlMs, get, listener)),
  };
}

async function watch(link: Link, kv: KV, bucket: string, ttlMs: number, get: KeyValue['get'], on: Parameters<KeyValue['watch']>[0]) {
  const known = new Map<string, number>();
  let told = false;
  const gone = (key: string, revision: number): void => {
    if (known.delete(key)) on.entry(key, undefined, revision);
  };
  // The server drops what expired without a word (2.10 has no markers for it).
  const sweep = ttlMs > 0 ? expiries(ttlMs, async (key) => {
    const entry = await get(key);
    if (entry === undefined) gone(key, 0);
    return entry !== undefined;
  }) : undefined;

  const apply = (entry: KvWatchEntry): void => {
    const before = known.get(entry.key);
    if (entry.operation !== 'PUT') {
      sweep?.forget(entry.key);
      if (before !== undefined && entry.revision > before) gone(entry.key, entry.revision);
      return;
    }
    // A watch that was opened again repeats what is known.
    if (before !== undefined && entry.revision <= before) return;
    known.set(entry.key, entry.revision);
    sweep?.seen(entry.key);
    on.entry(entry.key, entry.value, entry.revision);
  };

  const subscription = await revived(link, `watch of bucket ${bucket}`, async () => {
    const entries = await kv.watch();
    const standing = new Set<string>();
    let starting = true;
    const ready = (): void => {
      starting = false;
      for (const key of [...known.keys()]) if (!standing.has(key)) gone(key, 0);
      if (!told) {
        told = true;
        on.ready();
      }
    };
    // An empty bucket sends no first entry whose `delta` (how many follow) would say that it was the last.
    if ((await kv.status()).values === 0) ready();
    const ended = (async () => {
      for await (const entry of entries) {
        try {
          if (starting) standing.add(entry.key);
          apply(entry);
          if (starting && entry.delta === 0) ready();
        } catch (fault) {
          link.log.error({ bucket, key: entry.key, err: fault }, 'a watch handler failed');
        }
      }
    })();
    return { close: () => entries.stop(), ended };
  });
  return {
    stop: async () => {
      sweep?.stop();
      await subscription.stop();
    },
  };
}
