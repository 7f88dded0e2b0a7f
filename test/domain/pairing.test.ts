// A phone that repeats its password, because the answer to it was lost: with the process that had paired it, or
// between that and the store.

import { randomBytes } from 'node:crypto';
import { expect, test, vi } from 'vitest';
import type { SessionEvent } from '../../src/domain/model.ts';
import { createPairing } from '../../src/domain/pairing.ts';
import { SwobError } from '../../src/errors.ts';
import { createMemoryStore } from '../../src/store/memory/store.ts';
import { storeOptions } from '../contract/store.ts';
import { createCaller } from '../support/caller.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { createPhone } from '../support/phone.ts';

/** A session that a phone has taken, and what the page has been told. */
async function takenSession() {
  const clock = createFakeClock();
  const store = createMemoryStore(storeOptions(clock));
  const told: SessionEvent['kind'][] = [];
  const pairing = createPairing({
    store,
    bus: {
      publish: async ({ kind }) => void told.push(kind),
      subscribe: async () => () => {},
      close: async () => {},
    },
    clock,
    users: { authenticate: async () => [] },
    keys: { publicKeyPem: '', decrypt: () => Buffer.from('secret') },
    limits: { sessions: 'off', passwords: 'off', guesses: 'off' },
    production: true,
  });
  const sessionId = await pairing.open('alice', '192.0.2.1');
  await pairing.handshake('alice', sessionId, createPhone().publicKeyPem, createCaller());
  const password = randomBytes(256).toString('base64');
  return { store, told, pair: () => pairing.authenticate('alice', sessionId, password, createCaller()) };
}

test('the page is told again', async () => {
  const { told, pair } = await takenSession();
  await pair();
  await pair();
  expect(told).toEqual(['pause', 'ack', 'ack']);
});

test('the page is told when only the second try was answered', async () => {
  const { store, told, pair } = await takenSession();
  const { complete } = store.sessions;
  vi.spyOn(store.sessions, 'complete').mockImplementationOnce(async (...session) => {
    await complete(...session);
    throw new SwobError('UNAVAILABLE', 'no answer in time');
  });
  await expect(pair()).rejects.toThrow('no answer in time');
  await pair();
  expect(told).toEqual(['pause', 'ack']);
});
