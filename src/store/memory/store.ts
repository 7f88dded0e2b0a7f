// The store of `[store] url = memory:`, which is lost at exit; also used by the tests of the domain.

import type { InboundSms } from '../../domain/inbound/model.ts';
import type { WaitingSms } from '../../domain/outgoing/message.ts';
import type { Callback } from '../../domain/outgoing/model.ts';
import type { PairedUser } from '../../domain/pairing/model.ts';
import type { EmbeddedStore } from '../adapter.ts';
import { callbacksFullError, inboundFullError, waitingSmsFullError } from '../errors.ts';
import { createIdPage } from '../id-page.ts';
import type { StoreOptions } from '../options.ts';
import { joinOutboxes } from '../process-outbox.ts';
import { responseCharacters } from '../weights.ts';
import { createMemoryClients } from './delivering-clients.ts';
import { createMemoryDisconnects } from './disconnects.ts';
import { createMemoryLimits } from './limits.ts';
import { createMemoryMonitoring } from './monitoring.ts';
import { createMemoryOutbox } from './outbox.ts';
import { createMemoryMessages } from './outgoing-messages.ts';
import { createMemoryPasswordClaims } from './password-claims.ts';
import { createMemoryTests } from './reliability-tests.ts';
import { createMemorySeeds } from './seeds.ts';
import { createMemorySessions } from './sessions.ts';
import { createMemoryTtlStore } from './ttl-store.ts';

export function createMemoryStore(options: StoreOptions): EmbeddedStore {
  const users = new Map<string, PairedUser>();
  const outboxes = {
    inbound: createMemoryOutbox<InboundSms>(options.inbound, inboundFullError),
    callbacks: createMemoryOutbox<Callback>(options.callbacks, callbacksFullError),
    waitingSms: createMemoryOutbox<WaitingSms>(options.waitingSms, waitingSmsFullError),
  };
  const joinProcess = () => joinOutboxes(outboxes);
  const { inbound, callbacks, waitingSms } = joinProcess();
  return {
    seeds: createMemorySeeds(options),
    clients: createMemoryClients(options.clients),
    tests: createMemoryTests(options.clock, options.tests),
    sessions: createMemorySessions(options.clock, options.sessions),
    passwordClaims: createMemoryPasswordClaims(options.clock),
    limits: createMemoryLimits(options.clock),
    users: {
      get: async (userId) => users.get(userId),
      getDurable: async (userId) => users.get(userId),
      put: async (user) => void users.set(user.userId, user),
      replace: async (user, earlier) => {
        if (JSON.stringify(users.get(user.userId)) !== JSON.stringify(earlier)) return false;
        users.set(user.userId, user);
        return true;
      },
      list: async (...query) => {
        const page = createIdPage(...query);
        for (const userId of users.keys()) page.add(userId);
        const { ids, hasMore } = page.result();
        return { users: ids.flatMap((id) => users.get(id) ?? []), next: hasMore ? ids.at(-1) : undefined };
      },
    },
    inbound,
    receipts: createMemoryTtlStore(options.clock, options.receipts),
    callbacks,
    responses: createMemoryTtlStore(options.clock, options.responses, responseCharacters),
    signOuts: createMemoryTtlStore(options.clock, options.signOuts),
    messages: createMemoryMessages(options.clock, options.messages),
    waitingSms,
    monitoring: createMemoryMonitoring(options.clock, options.monitoring),
    disconnects: createMemoryDisconnects(options.clock, options.disconnects),
    probe: async () => {},
    close: async () => {},
    joinProcess,
  };
}
