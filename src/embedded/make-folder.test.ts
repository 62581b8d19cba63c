import { mkdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { temporaryFolder } from '../../testing/harness/index.ts';
import { makeFolder } from './make-folder.ts';

describe('A folder', () => {
  test('is made with all that leads to it, with its mode, and may be there already', () => {
    using base = temporaryFolder('make-folder');
    const folder = join(base.path, 'a', 'b', 'c');
    makeFolder(folder, 0o700);
    makeFolder(folder, 0o700);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
  });

  test('may be reached by a link', () => {
    using base = temporaryFolder('make-folder');
    mkdirSync(join(base.path, 'real'));
    symlinkSync(join(base.path, 'real'), join(base.path, 'link'));
    makeFolder(join(base.path, 'link', 'data'));
    expect(statSync(join(base.path, 'real', 'data')).isDirectory()).toBe(true);
  });

  test('is refused where a file, or a link to nowhere, is in the way, and that is named', () => {
    using base = temporaryFolder('make-folder');
    const file = join(base.path, 'file');
    writeFileSync(file, '');
    expect(() => makeFolder(file)).toThrow(`${file} is not a folder`);
    expect(() => makeFolder(join(file, 'data'))).toThrow(`${file} is not a folder`);
    symlinkSync(join(base.path, 'nowhere'), join(base.path, 'broken'));
    expect(() => makeFolder(join(base.path, 'broken'))).toThrow(join(base.path, 'broken'));
  });
});
