/** Names of channels as the JSON that most snapshots of a facility have in common: written once for as long as the same are asked for. */

export function createNamesJson(names: (channels: Int32Array) => Promise<string[]>): (channels: Int32Array) => Promise<Uint8Array> {
  let last: { readonly channels: Int32Array; readonly json: Uint8Array } | undefined;
  return async (channels) => {
    if (last !== undefined && same(last.channels, channels)) return last.json;
    const json = Buffer.from(JSON.stringify(await names(channels)));
    // Of its own, because a name stays with its id for ever while the asker's columns may change.
    last = { channels: channels.slice(), json };
    return json;
  };
}

function same(a: Int32Array, b: Int32Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
