import { expect, test } from 'vitest';
import { folderRemedy } from '../../src/lib/folder-remedy.ts';
import { diskError } from '../../src/store/disk-error.ts';

const failure = (code: string): Error => Object.assign(new Error(`${code}: reason`), { code });

test.each([
  ['ENOSPC', 'free space on its disk, or set another [store] url'],
  ['EDQUOT', 'free space on its disk, or set another [store] url'],
  ['EROFS', 'its file system is read-only: mount it writable, or set another [store] url'],
  ['EACCES', 'make it writable for the user of the service (chown, chmod 0700), or set another [store] url'],
  ['EIO', 'check its disk, or set another [store] url'],
  ['ENOTDIR', 'set [store] url to a folder that swob can create and write'],
])('%s of a folder has its own remedy, also when the store is opened', (code, remedy) => {
  expect(folderRemedy(failure(code), '[store] url')).toBe(remedy);
  expect(diskError('cannot lock the store /x', failure(code), 'opening').message).toBe(
    `cannot lock the store /x: ${code}: reason; ${remedy}`,
  );
});

test('a store that is open reports the reason alone: it goes on by itself', () => {
  expect(diskError('cannot write /x', failure('ENOSPC')).message).toBe('cannot write /x: ENOSPC: reason');
});
