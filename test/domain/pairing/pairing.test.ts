// A phone that repeats its password because the response was lost: the process that had paired it has died, or the
// store failed after the write.

import { randomBytes } from 'node:crypto';
import { expect, test, vi } from 'vitest';
import type { SessionEvent } from '../../../src/domain/pairing/model.ts';
import { createPairing } from '../../../src/domain/pairing/pairing.ts';
import { SwobError } from '../../../src/errors.ts';
import { createMemoryStore } from '../../../src/store/memory/store.ts';
import { storeOptions } from '../../contract/store.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { createPhone } from '../../support/phone.ts';
import { createRequestContext } from '../../support/request-context.ts';

/** A session that a phone has taken, and the events that its page has received. */
async function takenSession() {
  const clock = createFakeClock();
  const store = createMemoryStore(storeOptions(clock));
  const events: SessionEvent['kind'][] = [];
  const pairing = createPairing({
    store,
    bus: {
      publish: async ({ kind }) => void events.push(kind),
      subscribe: async () => {},
      unsubscribe: () => {},
      close: async () => {},
    },
    clock,
    users: { authenticate: async () => ({ kind: 'accepted', platforms: [] }) },
    keys: { publicKeyPem: '', decrypt: () => Buffer.from('secret') },
    limits: { sessions: 'off', passwords: 'off', guesses: 'off' },
    production: true,
  });
  const sessionId = await pairing.open('alice', '192.0.2.1');
  await pairing.handshake('alice', sessionId, createPhone().publicKeyPem, createRequestContext());
  const password = randomBytes(256).toString('base64');
  return {
    store,
    events,
    pair: () => pairing.authenticate('alice', sessionId, password, createRequestContext()),
  };
}

test('the event is published again', async () => {
  const { events, pair } = await takenSession();
  await pair();
  await pair();
  expect(events).toEqual(['pause', 'ack', 'ack']);
});

test('the event is published when only the second request succeeds', async () => {
  const { store, events, pair } = await takenSession();
  const { complete } = store.sessions;
  vi.spyOn(store.sessions, 'complete').mockImplementationOnce(async (...session) => {
    await complete(...session);
    throw new SwobError('UNAVAILABLE', 'no answer in time');
  });
  await expect(pair()).rejects.toThrow('no answer in time');
  await pair();
  expect(events).toEqual(['pause', 'ack']);
});
