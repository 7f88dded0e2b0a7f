// Somebody who asks, for tests of the domain.

import type { Caller } from '../../src/domain/ports.ts';
import { createMemoryLog, type MemoryLog } from './log.ts';

/** Its log has the lines of its requests. */
export function createCaller(address = '192.0.2.1'): Caller & { readonly log: MemoryLog } {
  return { address, log: createMemoryLog() };
}
