import { expect, test } from 'vitest';
import { createClients } from '../../../src/domain/seeds/clients.ts';
import { shareActivity } from '../../../src/domain/seeds/cluster-activity.ts';
import { createReliability } from '../../../src/domain/seeds/reliability.ts';
import { createSeedActivity } from '../../../src/domain/seeds/seed-activity.ts';
import { createSeedTable } from '../../../src/domain/seeds/seed-table.ts';
import { createSeeds } from '../../../src/domain/seeds/seeds.ts';
import { createMemoryStore } from '../../../src/store/memory/store.ts';
import { createTelecom } from '../../../src/telecom/telecom.ts';
import { storeOptions } from '../../contract/store.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { shareLocally } from '../../support/local-nodes.ts';
import { createMemoryLog } from '../../support/log.ts';

const telecom = createTelecom({ operatorsFile: '', defaultRegion: '', check: 'metadata' });
const address = '192.0.2.1';
const query = { sort: 'works', offset: 0, limit: 50 } as const;
const [mtn, orange, french] = ['+237650000001', '+237690000002', '+33612345678'];

function createFixture() {
  const clock = createFakeClock();
  const store = createMemoryStore(storeOptions(clock));
  const activity = createSeedActivity(clock, 20_000);
  const limit = 'off' as const;
  const seeds = createSeeds({
    ...{ store, clock, telecom, expiryMs: 20_000, pingLimit: limit, parseMsisdn: telecom.normalise },
    onPing: activity.pinged,
  });
  const clients = createClients({ store, seeds, telecom, clock, log: createMemoryLog() });
  const reliability = createReliability({
    ...{ store, clients, clock, testLimit: limit, guessLimit: limit, senders: [], onEvent: () => {} },
  });
  const table = createSeedTable({
    ...{ clients, reliability, tests: store.tests, telecom, clock },
    activity: shareActivity(activity, shareLocally),
  });
  const settle = async (): Promise<void> => {
    for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate);
  };
  return {
    ...{ clock, store, activity, seeds, clients, reliability, table, settle },
    ping: (imsi: string, msisdn: string) => seeds.ping({ imsi, msisdn, seedType: 'seed' }, address),
    deliver: async (msisdn: string) => {
      clients.delivered(msisdn, address);
      activity.delivered(msisdn);
      await settle();
    },
    numbers: async (filter: object = {}) => {
      clock.advance(1_000);
      return (await table.page({ ...query, ...filter })).seeds.map(({ msisdn }) => msisdn);
    },
  };
}

test('shows seeds that ping and clients that deliver, with country, operator and deliveries of today', async () => {
  const { ping, deliver, table, clock } = createFixture();
  await ping('624010000000001', mtn);
  await deliver(orange);
  await deliver(orange);
  const page = await table.page(query);
  expect(page).toMatchObject({ total: 2, all: 2, active: 1, countries: [{ name: 'Cameroon', seeds: 2 }] });
  expect(page.seeds).toEqual([
    {
      ...{ msisdn: orange, state: 'delivers', country: 'Cameroon', operator: 'Orange', today: 2 },
      lastDeliveryAt: clock.now(),
    },
    {
      ...{ msisdn: mtn, state: 'active', country: 'Cameroon', operator: 'MTN Cameroon', today: 0 },
      ...{ imsi: '624010000000001', seedType: 'seed', lastPingAt: clock.now() },
    },
  ]);
});

test('what works in a country comes first: what pings or delivered lately, then by reliability', async () => {
  const { ping, deliver, numbers, clock, store } = createFixture();
  const [silent, old, bad, good] = ['+237650000011', '+237650000012', '+237650000013', '+237650000014'];
  await deliver(old);
  await ping('624010000000011', silent);
  clock.advance(3 * 86_400_000);
  for (const [index, [msisdn, isGood]] of [[bad, false] as const, [good, true] as const].entries()) {
    const startedAt = clock.now() - 200_000;
    await store.tests.add({ id: index, msisdn, startedAt, ...(isGood && { routedAt: startedAt + 5_000 }) });
  }
  for (const [index, msisdn] of [bad, mtn, good, french].entries())
    await ping(`62401000000002${index}`, msisdn);
  expect(await numbers({ country: 'cameroon' })).toEqual([good, mtn, bad, old, silent]);
  expect(await numbers({ country: 'Cameroon', activeOnly: true })).toEqual([good, mtn, bad]);
  expect((await numbers({ sort: 'reliability' }))[0]).toBe(good);
  expect((await numbers({ sort: 'country' }))[5]).toBe(french);
});

test('filters by operator and by any text, and pages', async () => {
  const { ping, numbers, table } = createFixture();
  await ping('624010000000001', mtn);
  await ping('624020000000002', orange);
  await ping('208010000000003', french);
  expect(await numbers({ operator: 'mtn' })).toEqual([mtn]);
  expect(await numbers({ text: '237 69' })).toEqual([orange]);
  expect(await numbers({ text: '20801' })).toEqual([french]);
  expect(await numbers({ text: 'FRANCE' })).toEqual([french]);
  for (const punctuation of ['-', '.', '()']) expect(await numbers({ text: punctuation })).toEqual([]);
  expect(await numbers({ sort: 'number', offset: 1, limit: 1 })).toEqual([orange]);
  expect((await table.page({ ...query, offset: 99 })).seeds).toEqual([]);
});

test('the history of a seed says when it fell silent, came back and changed its number', async () => {
  const { ping, table, clock, numbers } = createFixture();
  const start = clock.now();
  await ping('624010000000001', mtn);
  clock.advance(60_000);
  await ping('624010000000001', mtn);
  await ping('624010000000001', orange);
  clock.advance(30_000);
  expect(await numbers()).toEqual([orange]);
  const details = await table.details(orange);
  expect(details?.seed).toMatchObject({ state: 'silent', lastPingAt: start + 60_000 });
  expect(details?.history).toEqual([
    { at: start, event: 'first ping since the start of swob' },
    { at: start + 20_000, event: 'silent: no ping' },
    { at: start + 60_000, event: 'back' },
    { at: start + 60_000, event: `number changed from ${mtn}` },
    { at: start + 80_000, event: 'silent: no ping' },
  ]);
  expect(await table.details('+237650000099')).toBeUndefined();
});

test('the history and the seeds are bounded, and counts start again at midnight UTC', () => {
  const clock = createFakeClock(Date.parse('2026-03-01T23:59:00Z'));
  const activity = createSeedActivity(clock, 20_000);
  const seed = { imsi: '1', msisdn: mtn, seedType: 'seed' } as const;
  for (let n = 0; n < 50; n++) {
    activity.pinged(seed);
    clock.advance(1_100);
    activity.delivered(mtn);
    clock.advance(21_000);
  }
  expect(activity.timeline('1')?.events).toHaveLength(12);
  expect(activity.counts()).toEqual([[mtn, 47]]);
  for (let n = 0; n < 20_100; n++) activity.pinged({ ...seed, imsi: `n${n}` });
  expect(activity.find('1')).toBeUndefined();
  expect(activity.find('n20099')).toBeDefined();
});

test('thousands of seeds are put together once for concurrent readers', async () => {
  const { seeds, clients, reliability, activity, clock, store } = createFixture();
  for (let n = 0; n < 2_000; n++) {
    activity.pinged({ imsi: `${n}`, msisdn: `+23765${String(n).padStart(7, '0')}`, seedType: 'seed' });
  }
  clock.advance(30_000);
  let counts = 0;
  const table = createSeedTable({
    ...{ clients, reliability, telecom, clock },
    activity: shareActivity(activity, shareLocally),
    tests: {
      count: async (...args) => {
        counts++;
        return store.tests.count(...args);
      },
    },
  });
  const pages = await Promise.all([1, 2, 3].map((n) => table.page({ ...query, offset: n * 50 })));
  expect(pages.map(({ total }) => total)).toEqual([2_000, 2_000, 2_000]);
  expect(counts).toBe(4);
  expect(await seeds.list()).toEqual([]);
});
