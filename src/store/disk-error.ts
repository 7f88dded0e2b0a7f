// Turns errors of the file system into those of the lock and the lowdb store.

import { StoreFullError } from '../domain/shared/store-full-error.ts';
import { messageOf, SwobError, systemErrorCode } from '../errors.ts';
import { folderRemedy } from '../lib/folder-remedy.ts';

/** Errors that persist: the configured folder is the wrong one or has the wrong permissions. */
const lasting = new Set<unknown>([
  'EACCES',
  'EEXIST',
  'EISDIR',
  'ELOOP',
  'ENAMETOOLONG',
  'ENOTDIR',
  'EPERM',
  'EROFS',
]);

/**
 * UNAVAILABLE with the system's reason, e.g. `ENOSPC: no space left on device`; CONFIG for an error that persists
 * when the store is being opened. While opening, the message says what to do; an open store continues by itself.
 */
export function diskError(what: string, error: unknown, when: 'opening' | 'running' = 'running'): SwobError {
  if (error instanceof SwobError) return error;
  const errno = systemErrorCode(error);
  const code = when === 'opening' && lasting.has(errno) ? 'CONFIG' : 'UNAVAILABLE';
  const publicMessage = `the store cannot be used now${typeof errno === 'string' ? ` (${errno})` : ''}`;
  const remedy = when === 'opening' ? `; ${folderRemedy(error, '[store] url')}` : '';
  const message = `${what}: ${messageOf(error)}${remedy}`;
  const options = { cause: error, publicMessage };
  return errno === 'ENOSPC' ? new StoreFullError(message, options) : new SwobError(code, message, options);
}
