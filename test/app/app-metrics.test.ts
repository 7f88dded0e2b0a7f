// Callbacks for each response, and metrics of expired leases.

import { expect, test, vi } from 'vitest';
import { createAppMetrics } from '../../src/app/compose/app-metrics.ts';
import { createDevelopers } from '../../src/domain/outgoing/developers.ts';
import { consumeAll } from '../../src/domain/shared/rate-limiting.ts';
import { createMemoryLeases } from '../../src/store/memory/leases.ts';
import { createMemoryStore } from '../../src/store/memory/store.ts';
import { storeOptions } from '../contract/store.ts';
import { serveClients } from '../store/remote/support.ts';
import { createFakeClock } from '../support/fake-clock.ts';

const create = (onServed = () => {}) =>
  createAppMetrics({
    version: 'test',
    logDrops: () => ({ file: 0, gelf: 0, repeated: 0 }),
    overloadRefusals: () => 0,
    connections: { open: 0, closed: { idle: 0, full: 0, pipelining: 0, headers: 0 } },
    bodyBudget: { usedBytes: 0, rejected: 0 },
    onServed,
  });

test('onResponse is called after each response of every service', () => {
  const onServed = vi.fn();
  const instruments = create(onServed);
  for (const service of ['gateway', 'disconnect']) {
    instruments.requestCounter(service)({ method: 'GET', route: '/x', status: 200, ms: 1 });
  }
  expect(onServed).toHaveBeenCalledTimes(2);
  instruments.stop();
});

test('work whose lease expired before its end is counted', async () => {
  const clock = createFakeClock();
  const instruments = create();
  const shared = {
    leases: createMemoryLeases(clock),
    agreeOn: async (_name: string, value: string) => value,
  };
  const leases = instruments.store({ ...createMemoryStore(storeOptions(clock)), shared }).shared?.leases;
  for (const wait of [9_999, 10_000]) {
    const lease = await leases?.acquire('sms:k', 10_000);
    clock.advance(wait);
    await leases?.complete('sms:k', lease?.leaseId ?? '', 'done');
  }
  expect((await instruments.text()).text).toContain('\nswob_leases_lost_total{work="sms"} 1\n');
  instruments.stop();
});

test('the second of two concurrent guesses at the set-up credentials counts for their limit', async () => {
  const clock = createFakeClock();
  const metrics = create();
  const { limits } = metrics.store(createMemoryStore(storeOptions(clock)));
  const developers = createDevelopers({
    api: { authenticate: async () => ({ kind: 'refused' }) },
    limits,
    setup: { id: 'setup', key: 'secret' },
    guessLimit: { count: 1, windowMs: 900_000 },
  });
  const guess = (key: string) => developers.checkSetup({ id: 'setup', key }, '192.0.2.1');
  await Promise.allSettled([guess('one'), guess('two')]);
  const { text } = await metrics.text();
  const refusals = [...text.matchAll(/^swob_limit_refusals_total\{limit="([^"]*)"\} [1-9]/gm)];
  expect(refusals.map(([, name]) => name)).toEqual(['credentials:setup']);
  metrics.stop();
});

test('a refusal of several keys that the store counts together counts once, for its limit', async () => {
  const options = storeOptions(createFakeClock());
  const [client] = serveClients(createMemoryStore(options), options, 1);
  const metrics = create();
  const limits = client && metrics.store(client.store).limits;
  const limit = { count: 1, windowMs: 60_000 };
  const open = async () =>
    limits && consumeAll(limits, ['session:address:192.0.2.1', 'session:user:u'], limit);
  expect([await open(), await open()]).toMatchObject([undefined, { key: 'session:address:192.0.2.1' }]);
  expect(client?.pair.fromClient.flat()).toHaveLength(2);
  expect((await metrics.text()).text).toContain('\nswob_limit_refusals_total{limit="session:address"} 1\n');
  metrics.stop();
});

test('what the owner of the store refuses in a step of several parts counts for its limit', async () => {
  const options = storeOptions(createFakeClock());
  const [client] = serveClients(createMemoryStore(options), options, 1);
  const metrics = create();
  const store = client && metrics.store(client.store);
  const limit = { count: 1, windowMs: 60_000 };
  const session = { userId: 'u', sessionId: 's', address: '192.0.2.1' };
  await store?.pairingSteps?.open(session, limit);
  await store?.pairingSteps?.open(session, limit);
  await store?.sessions.pause('u', 's', { publicKey: '', sharedKey: 'k' });
  const sent = { ...session, digest: 'd' };
  await store?.pairingSteps?.beginPassword(sent, limit, false);
  await store?.pairingSteps?.beginPassword(sent, limit, false);
  const counts = [{ key: 'disconnect:address:192.0.2.1', limit } as const];
  for (const key of ['one', 'two']) await store?.shared?.leases.acquireCounted?.(key, 1_000, counts);
  const { text } = await metrics.text();
  const refusals = [...text.matchAll(/^swob_limit_refusals_total\{limit="([^"]*)"\} 1$/gm)];
  expect(refusals.map(([, name]) => name)).toEqual([
    'disconnect:address',
    'password:session',
    'session:address',
  ]);
  metrics.stop();
});
