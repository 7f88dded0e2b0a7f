// The services that there are, and those that run when the command line names none. Used by `swob serve`, `status`, `wait` and `doctor`.

import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import type { Config } from '../config/schema.ts';
import type { ServiceName } from './compose/context.ts';

/** In the order in which they are listed. */
export const allServices: readonly ServiceName[] = ['gateway', 'sync', 'disconnect'];

/** Gateway and sync; disconnect only where the verification key for its tokens is readable. */
export async function defaultServices(config: Config): Promise<ReadonlySet<ServiceName>> {
  const names = new Set<ServiceName>(['gateway', 'sync']);
  const readable = await access(config.validation.public_key, constants.R_OK).then(
    () => true,
    () => false,
  );
  return readable ? names.add('disconnect') : names;
}
