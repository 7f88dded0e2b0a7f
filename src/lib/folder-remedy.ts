// What to do about a folder that cannot be made or written. Used by store/disk-error.ts and app/doctor/store.ts.

import { systemErrorCode } from '../errors.ts';

/** `key` is the configuration key that names the folder, such as `[store] url`. */
export function folderRemedy(error: unknown, key: string): string {
  const orAnother = `or set another ${key}`;
  switch (systemErrorCode(error)) {
    case 'ENOSPC':
    case 'EDQUOT':
      return `free space on its disk, ${orAnother}`;
    case 'EROFS':
      return `its file system is read-only: mount it writable, ${orAnother}`;
    case 'EACCES':
    case 'EPERM':
      return `make it writable for the user of the service (chown, chmod 0700), ${orAnother}`;
    case 'EIO':
      return `check its disk, ${orAnother}`;
    default:
      return `set ${key} to a folder that swob can create and write`;
  }
}
