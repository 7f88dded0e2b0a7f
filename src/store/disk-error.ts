// Failures of the file system, as the lock and the lowdb store tell them.

import { errnoOf, messageOf, SwobError } from '../errors.ts';

/** Reasons that no waiting mends: the folder that the configuration names is the wrong one. */
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
 * UNAVAILABLE; the system's message holds the reason, e.g. `ENOSPC: no space left on device`. While the store
 * is being opened a reason that will last is CONFIG.
 */
export function diskError(what: string, error: unknown, when: 'opening' | 'running' = 'running'): SwobError {
  if (error instanceof SwobError) return error;
  const errno = errnoOf(error);
  const code = when === 'opening' && lasting.has(errno) ? 'CONFIG' : 'UNAVAILABLE';
  const forClients = `the store cannot be used now${typeof errno === 'string' ? ` (${errno})` : ''}`;
  return new SwobError(code, `${what}: ${messageOf(error)}`, {
    cause: error,
    forClients,
    noRoom: errno === 'ENOSPC',
  });
}
