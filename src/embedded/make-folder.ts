import { mkdirSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

/**
 * A folder with all that leads to it, unless it is there. Node's own way to do this never returns where
 * a folder exists in which the kernel lets nobody make another, as below /proc.
 */
export function makeFolder(folder: string, mode?: number): void {
  const missing: string[] = [];
  let place = resolve(folder);
  for (let known = lookAt(place); known === undefined; known = lookAt(place)) {
    missing.unshift(place);
    place = dirname(place);
  }
  if (lookAt(place) === 'no folder') throw new Error(`${place} is not a folder`);
  for (const each of missing) {
    try {
      mkdirSync(each, { mode });
    } catch (fault) {
      const { code, message } = fault as NodeJS.ErrnoException;
      // Somebody else made it meanwhile.
      if (code === 'EEXIST' && lookAt(each) === 'folder') continue;
      throw new Error(code === 'ENOENT' ? `no folder can be made in ${dirname(each)}` : message, { cause: fault });
    }
  }
}

function lookAt(path: string): 'folder' | 'no folder' | undefined {
  try {
    return statSync(path).isDirectory() ? 'folder' : 'no folder';
  } catch (fault) {
    if ((fault as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    if ((fault as NodeJS.ErrnoException).code === 'ENOTDIR') return undefined;
    throw fault;
  }
}
