// The store of `[store] url = memory:`, lost at exit; also the store of the domain's tests.

import type { PairedUser } from '../../domain/model.ts';
import type { Store } from '../../domain/ports.ts';
import type { StoreOptions } from '../options.ts';
import { createMemoryLimits } from './limits.ts';
import { createMemorySeeds } from './seeds.ts';
import { createMemorySessions } from './sessions.ts';

export function createMemoryStore(options: StoreOptions): Store {
  const users = new Map<string, PairedUser>();
  return {
    seeds: createMemorySeeds(options),
    sessions: createMemorySessions(options.clock, options.sessions),
    limits: createMemoryLimits(options.clock),
    users: {
      get: async (userId) => users.get(userId),
      put: async (user) => void users.set(user.userId, user),
    },
    close: async () => {},
  };
}
