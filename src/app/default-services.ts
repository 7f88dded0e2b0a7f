// Which services run when none is named. Used by `swob serve`, `status`, `wait` and `doctor`.

import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import type { Config } from '../config/schema.ts';
import type { ServiceName } from './compose/world.ts';

/** What runs when no service is named: disconnect only where there is a key to check tokens with. */
export async function defaultServices(config: Config): Promise<ReadonlySet<ServiceName>> {
  const names = new Set<ServiceName>(['gateway', 'sync']);
  const readable = await access(config.validation.public_key, constants.R_OK).then(
    () => true,
    () => false,
  );
  return readable ? names.add('disconnect') : names;
}
