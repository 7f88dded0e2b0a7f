// Pairing on a store whose answers get lost: what it did is done, and the phone that asks again has all of it.

import { expect, test, vi } from 'vitest';
import { loadServerKeys } from '../../src/crypto/keypair.ts';
import type { SessionEvent } from '../../src/domain/model.ts';
import { createPairing } from '../../src/domain/pairing.ts';
import { SwobError } from '../../src/errors.ts';
import { createMemoryStore } from '../../src/store/memory/store.ts';
import { storeOptions } from '../contract/store.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { temporaryFolder } from '../support/folders.ts';
import { createMemoryLog } from '../support/log.ts';
import { createPhone, encryptFor } from '../support/phone.ts';

test('the page hears that the phone is paired, also when only its second try was answered', async () => {
  const clock = createFakeClock();
  const store = createMemoryStore(storeOptions(clock));
  const folder = temporaryFolder();
  const keys = await loadServerKeys({ publicKey: `${folder}/public`, privateKey: `${folder}/private` });
  const heard: SessionEvent[] = [];
  const pairing = createPairing({
    store,
    bus: {
      publish: async (event) => void heard.push(event),
      subscribe: async () => () => {},
      close: async () => {},
    },
    clock,
    log: createMemoryLog(),
    users: { authenticate: async () => [] },
    keys,
    limits: { sessions: 'off', passwords: 'off', guesses: 'off' },
    production: true,
  });
  const sessionId = await pairing.open('alice', 'here');
  await pairing.handshake('alice', sessionId, createPhone().publicKeyPem, 'here');
  const password = encryptFor(keys.publicKeyPem, Buffer.from('correct horse')).toString('base64');
  const { complete } = store.sessions;
  vi.spyOn(store.sessions, 'complete').mockImplementationOnce(async (...session) => {
    await complete(...session);
    throw new SwobError('UNAVAILABLE', 'no answer in time');
  });
  const authenticate = () => pairing.authenticate('alice', sessionId, password, 'here');
  await expect(authenticate()).rejects.toThrow('no answer in time');
  await authenticate();
  expect(heard.map(({ kind }) => kind)).toEqual(['pause', 'ack']);
});
