// The store of `[store] url = memory:`, lost at exit; also the store of the domain's tests.

import type { PairedUser } from '../../domain/model.ts';
import type { Store } from '../../domain/ports.ts';
import type { StoreOptions } from '../options.ts';
import { tooManyCallbacks, tooManyMessages } from '../refusals.ts';
import { charactersOfAnswer } from '../weights.ts';
import { createMemoryLimits } from './limits.ts';
import { createMemoryMemo } from './memo.ts';
import { createMemoryOutbox } from './outbox.ts';
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
    inbound: createMemoryOutbox(options.inbound, tooManyMessages),
    published: createMemoryMemo(options.clock, options.published),
    callbacks: createMemoryOutbox(options.callbacks, tooManyCallbacks),
    answers: createMemoryMemo(options.clock, options.answers, charactersOfAnswer),
    probe: async () => {},
    close: async () => {},
  };
}
