// How many messages use cases of several processes cost that share the store of one: each wakes two processes. And that what the owner
// does for them in one call is what they would do themselves.

import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { createRedisBus } from '../../../src/bus/redis.ts';
import { createPairing } from '../../../src/domain/pairing/pairing.ts';
import { auditDisconnects } from '../../../src/domain/wifi/audit.ts';
import { createDisconnects } from '../../../src/domain/wifi/disconnects.ts';
import { sampleClaims } from '../../crypto/token-builder.ts';
import type { FakeClock } from '../../support/fake-clock.ts';
import { createMemoryLog } from '../../support/log.ts';
import { createPhone } from '../../support/phone.ts';
import { createRequestContext } from '../../support/request-context.ts';
import { openTwo, type RemoteClient } from './support.ts';

const log = createMemoryLog();
const limit = { count: 2, windowMs: 60_000 };

function pairingOf({ store, channels }: RemoteClient, clock: FakeClock) {
  return createPairing({
    store,
    bus: createRedisBus({ channels, prefix: 'p', clock, log }),
    clock,
    users: { authenticate: async () => ({ kind: 'accepted', platforms: [] }) },
    keys: { publicKeyPem: '', decrypt: () => Buffer.from('secret') },
    limits: { sessions: { count: 9, windowMs: 60_000 }, passwords: limit, guesses: limit },
    production: true,
  });
}

function disconnectsOf({ store }: RemoteClient, clock: FakeClock, calls: string[] = []) {
  const disconnects = createDisconnects({
    verifier: { verify: () => sampleClaims },
    backends: [
      {
        name: 'pcrf',
        disconnect: async ({ sessionId }) => {
          calls.push(sessionId);
          return { kind: 'disconnected' };
        },
      },
    ],
    alreadyGone: 'failure',
    rules: {},
    limits: store.limits,
    callLimit: limit,
    leases: store.shared?.leases,
    clock,
    log,
  });
  const audit = { store: store.disconnects, clock, log, newSuffix: () => '01234567', count: () => {} };
  return auditDisconnects(disconnects, audit);
}

/** Waits for notices, which have no answer, and answers that nobody waits for. */
const settled = async ({ store }: RemoteClient): Promise<void> => store.probe();

const namesOf = (calls: readonly unknown[]): unknown[] => calls.map((call) => Object(call)[1]);

test('a pairing costs a message for each of its steps, and for each event', async () => {
  const { one, other, clock } = openTwo();
  const events: string[] = [];
  await other.channels.subscribe('p:bus:events', (text) => events.push(JSON.parse(text).kind)).active();
  const pairing = pairingOf(one, clock);
  const context = createRequestContext();
  const sessionId = await pairing.open('alice', context.address);
  await pairing.handshake('alice', sessionId, createPhone().publicKeyPem, context);
  const password = randomBytes(256).toString('base64');
  const { sharedKey } = await pairing.authenticate('alice', sessionId, password, context);
  expect(sharedKey).toMatch(/^[A-Za-z0-9+/=]{344}$/);
  await settled(one);
  expect(one.pair.fromClient.map(namesOf)).toEqual([
    ['pairingSteps.open'],
    ['sessions.pause'],
    // An event that nobody waits for travels with the next call, if that is in the same turn.
    ['channels.publish', 'pairingSteps.beginPassword'],
    ['pairingSteps.pair'],
    ['channels.publish', 'store.probe'],
  ]);
  expect(events).toEqual(['pause', 'ack']);
  expect(await other.store.sessions.get('alice', sessionId)).toMatchObject({ state: 'paired' });
  expect(await other.store.users.get('alice')).toMatchObject({ sessionId });
});

test('guesses count over all processes, and the last one removes the session', async () => {
  const { one, other, clock } = openTwo();
  const context = createRequestContext();
  const sessionId = await pairingOf(one, clock).open('alice', context.address);
  await pairingOf(other, clock).handshake('alice', sessionId, createPhone().publicKeyPem, context);
  const steps = [one, other, one].map(({ store }) => store.pairingSteps);
  const sent = { userId: 'alice', sessionId, address: '192.0.2.1', digest: 'd' };
  const begun = [];
  for (const each of steps) begun.push(await each?.beginPassword(sent, limit, false));
  expect(begun).toMatchObject([
    { kind: 'begun' },
    { kind: 'begun' },
    { kind: 'limited', invalidatesSession: true },
  ]);
  expect(await other.store.pairingSteps?.beginPassword(sent, limit, false)).toEqual({ kind: 'unknown' });
});

test('a disconnect costs a message before the call, and one after it', async () => {
  const { one, other, clock } = openTwo();
  const context = { ...createRequestContext(), requestId: 'r' };
  const outcome = await disconnectsOf(one, clock).disconnect('token', context);
  expect(outcome).toMatchObject({ kind: 'disconnected' });
  await settled(one);
  expect(one.pair.fromClient.map(namesOf)).toEqual([
    ['leases.acquireCounted'],
    ['leases.complete', 'disconnects.add'],
    ['store.probe'],
  ]);
  expect((await other.store.disconnects.list({}, { limit: 9 })).records).toHaveLength(1);
});

test('disconnects count over all processes, and one that is refused leaves no lease', async () => {
  const { one, other, clock } = openTwo();
  const calls: string[] = [];
  const [here, there] = [disconnectsOf(one, clock, calls), disconnectsOf(other, clock, calls)];
  const context = { ...createRequestContext(), requestId: 'r' };
  const together = [here, here, there].map((each) => each.disconnect('token', context));
  const outcomes = (await Promise.allSettled(together)).map(({ status }) => status);
  expect(outcomes).toEqual(['fulfilled', 'fulfilled', 'rejected']);
  expect(calls).toHaveLength(1);
  await expect(there.disconnect('other', context)).rejects.toMatchObject({ code: 'LIMITED' });
  // It remembers the refusal for a moment.
  expect(other.store.limits.peekLocal(`disconnect:address:${context.address}`, limit)).toBe(60);
  const elsewhere = { ...context, address: '192.0.2.9' };
  expect(await here.disconnect('other', elsewhere)).toMatchObject({ kind: 'disconnected' });
  expect(calls).toHaveLength(2);
});
