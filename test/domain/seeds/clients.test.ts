import { expect, test, vi } from 'vitest';
import { type ClientsDeps, createClients } from '../../../src/domain/seeds/clients.ts';
import { createMemoryStore } from '../../../src/store/memory/store.ts';
import { createTelecom } from '../../../src/telecom/telecom.ts';
import { storeOptions } from '../../contract/store.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { createMemoryLog } from '../../support/log.ts';

const telecom = createTelecom({ operatorsFile: '', defaultRegion: '', check: 'metadata' });
const number = '+237650000001';
const address = '192.0.2.1';

function createFixture({ seeds = () => [] }: { seeds?: ClientsDeps['seeds']['list'] } = {}) {
  const clock = createFakeClock();
  const log = createMemoryLog();
  const store = createMemoryStore(storeOptions(clock));
  const record = vi.fn(store.clients.record);
  const clients = createClients({
    store: { limits: store.limits, clients: { list: () => store.clients.list(), record } },
    seeds: { list: seeds },
    telecom,
    clock,
    log,
  });
  const settle = async (): Promise<void> => {
    for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate);
  };
  return { clock, log, store, record, clients, settle };
}

test('deliveries are listed immediately, and written together within a second', async () => {
  const { clock, clients, record, settle } = createFixture();
  clients.delivered(number, address);
  clients.delivered('+33612345678', address);
  await settle();
  expect((await clients.list()).map(({ msisdn }) => msisdn).sort()).toEqual([number, '+33612345678']);
  expect(record).not.toHaveBeenCalled();
  clock.advance(500);
  await settle();
  expect(record).toHaveBeenCalledTimes(1);
  clock.advance(10_000);
  await settle();
  expect(record).toHaveBeenCalledTimes(1);
});

test('more new clients at the same time than are remembered cause no error', async () => {
  const { clients, log, settle } = createFixture();
  for (let n = 0; n < 20_010; n++) clients.delivered(`+2376${n + 50_000_000}`, `address ${n}`);
  await settle();
  expect(log.lines).toEqual([]);
});

test('a write that fails is repeated, and reported once', async () => {
  const { clock, clients, record, settle, log, store } = createFixture();
  const full = new Error('no space left on device');
  record.mockRejectedValueOnce(full).mockRejectedValueOnce(full);
  clients.delivered(number, address);
  for (let second = 0; second < 5; second++) {
    await settle();
    clock.advance(1_000);
  }
  await settle();
  expect(record).toHaveBeenCalledTimes(3);
  expect(log.lines.filter(({ level }) => level === 'warn')).toHaveLength(1);
  expect(await store.clients.list()).toHaveLength(1);
});

test('closing writes what is in memory', async () => {
  const { clients, settle, store, clock } = createFixture();
  clients.delivered(number, address);
  await settle();
  await clients.close();
  expect(await store.clients.list()).toEqual([{ msisdn: number, lastDeliveryAt: clock.now() }]);
  expect(clock.pending).toBe(0);
});

test('a client that pings and delivers is listed once, with the operator of its SIM', async () => {
  const lps = 1_648_206_100;
  const seed = {
    imsi: '624010000000001',
    msisdn: number,
    seedType: 'seed',
    lps,
    country: 'Cameroon',
  } as const;
  const { clients, settle, clock } = createFixture({
    seeds: () => [{ ...seed, operatorName: 'Nexttel', operatorId: '62404' }],
  });
  const expected = { msisdn: number, operator: 'Nexttel', operatorCode: '62404', isActive: true };
  expect(await clients.list()).toMatchObject([{ ...expected, lastSeenAt: lps * 1_000 }]);
  clients.delivered(number, address);
  await settle();
  clock.advance(1_000);
  const at = clock.now() - 1_000;
  expect(await clients.list()).toMatchObject([{ ...expected, lastSeenAt: at }]);
  expect(await clients.find('237 650 000 001')).toMatchObject({ msisdn: number });
  expect(await clients.find('+237650000002')).toBeUndefined();
});

test.each([
  ['237650000001', number],
  ['+237 650-000-001', number],
  ['00237650000001', number],
  ['gateway-client', undefined],
  ['8787', undefined],
  ['', undefined],
  ['+'.repeat(100), undefined],
])('takes %j for the number %s', (text, expected) => {
  expect(createFixture().clients.numberOf(text)).toBe(expected);
});

test('a short list is always current, and a long one at most a second old', async () => {
  const { clients, store, clock, settle } = createFixture();
  expect(await clients.list()).toEqual([]);
  clients.delivered(number, address);
  await settle();
  expect(await clients.list()).toHaveLength(1);

  const many = Array.from({ length: 10_000 }, (_, n) => ({ msisdn: `client ${n}`, lastDeliveryAt: n }));
  const list = vi.spyOn(store.clients, 'list').mockResolvedValue(many);
  expect(await clients.list()).toHaveLength(10_001);
  list.mockResolvedValue([]);
  clock.advance(999);
  expect(await clients.list()).toHaveLength(10_001);
  clock.advance(1);
  expect((await clients.list()).length).toBeLessThan(2);
});

test('a list that cannot be read is read again by the next caller', async () => {
  const seeds = vi
    .fn<ClientsDeps['seeds']['list']>()
    .mockRejectedValueOnce(new Error('gone'))
    .mockResolvedValue([]);
  const { clients } = createFixture({ seeds });
  await expect(clients.list()).rejects.toThrow('gone');
  expect(await clients.list()).toEqual([]);
});
