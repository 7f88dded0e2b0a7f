// A phone that repeats its password, because the answer to it was lost with the process that had paired it.

import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { createPairing } from '../../src/domain/pairing.ts';
import { createMemoryStore } from '../../src/store/memory/store.ts';
import { storeOptions } from '../contract/store.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { createMemoryLog } from '../support/log.ts';
import { createPhone } from '../support/phone.ts';

test('the socket is told again', async () => {
  const clock = createFakeClock();
  const told: string[] = [];
  const pairing = createPairing({
    store: createMemoryStore(storeOptions(clock)),
    bus: {
      publish: async ({ kind }) => void told.push(kind),
      subscribe: async () => () => {},
      close: async () => {},
    },
    clock,
    log: createMemoryLog(),
    users: { authenticate: async () => [] },
    keys: { publicKeyPem: '', decrypt: () => Buffer.from('secret') },
    limits: { sessions: 'off', passwords: 'off', guesses: 'off' },
    production: true,
  });
  const sessionId = await pairing.open('alice', '192.0.2.1');
  await pairing.handshake('alice', sessionId, createPhone().publicKeyPem, '192.0.2.1');
  const password = randomBytes(256).toString('base64');
  await pairing.authenticate('alice', sessionId, password, '192.0.2.1');
  await pairing.authenticate('alice', sessionId, password, '192.0.2.1');
  expect(told).toEqual(['pause', 'ack', 'ack']);
});
