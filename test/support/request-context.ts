// A request context for tests of the domain.

import type { RequestContext } from '../../src/domain/shared/ports.ts';
import { createMemoryLog, type MemoryLog } from './log.ts';

/** Its log has the lines of its requests. */
export function createRequestContext(address = '192.0.2.1'): RequestContext & { readonly log: MemoryLog } {
  return { address, log: createMemoryLog(), isAborted: () => false };
}
