import { expect, test, vi } from 'vitest';
import type { ClientView } from '../../../src/domain/seeds/clients.ts';
import { createTestSchedule, type TestSmsResult } from '../../../src/domain/seeds/test-schedule.ts';
import type { LeaseStore } from '../../../src/domain/shared/ports.ts';
import { createMemoryLeases } from '../../../src/store/memory/leases.ts';
import { createFakeClock, type FakeClock } from '../../support/fake-clock.ts';
import { createMemoryLog } from '../../support/log.ts';

const everyMs = 3_600_000;
const day = 86_400_000;

function view(number: number, lastSeenAt: number, isActive = false): ClientView {
  return { msisdn: `+${number}`, country: '', operator: '', operatorCode: '', lastSeenAt, isActive };
}

function createFixture(
  clients: readonly ClientView[],
  { clock = createFakeClock(), leases = createMemoryLeases(clock) as LeaseStore | undefined } = {},
) {
  const log = createMemoryLog();
  let id = 1_000_000_000;
  const start = vi.fn(async (msisdn: string) => ({ id: ++id, msisdn, startedAt: clock.now() }));
  const cancel = vi.fn(async () => {});
  const send = vi.fn<(number: string, text: string) => Promise<TestSmsResult>>(async () => ({
    kind: 'sent',
  }));
  const schedule = createTestSchedule({
    everyMs,
    clients: { list: async () => clients },
    reliability: { start, cancel },
    send,
    leases,
    clock,
    log,
  });
  schedule.start();
  return { clock, log, start, cancel, send, schedule };
}

const round = async (clock: FakeClock): Promise<void> => {
  clock.advance(everyMs);
  for (let turn = 0; turn < 3; turn++) await new Promise(setImmediate);
};

test('tests every active client each round, by an SMS with the id of its test', async () => {
  const clock = createFakeClock();
  const clients = [view(1, clock.now(), true), view(2, clock.now()), view(3, clock.now() - 8 * day)];
  const { send, schedule } = createFixture(clients, { clock, leases: undefined });
  expect(send).not.toHaveBeenCalled();
  await round(clock);
  expect(send.mock.calls).toEqual([
    ['+1', '1000000001'],
    ['+2', '1000000002'],
  ]);
  await round(clock);
  expect(send).toHaveBeenCalledTimes(4);
  await schedule.stop();
  await round(clock);
  expect(send).toHaveBeenCalledTimes(4);
});

test('a round is bounded, and the next one continues where it ended', async () => {
  const clock = createFakeClock();
  const clients = Array.from({ length: 600 }, (_, n) => view(1_000 + n, clock.now()));
  const { send } = createFixture(clients, { clock });
  for (const n of [1, 2, 3]) {
    clock.advance(everyMs);
    await vi.waitFor(() => expect(send).toHaveBeenCalledTimes(500 * n), { interval: 1 });
    await new Promise(setImmediate);
  }
  const tested = new Set(send.mock.calls.map(([number]) => number));
  expect(tested.size).toBe(600);
  const counts = clients.map(({ msisdn }) => send.mock.calls.filter(([number]) => number === msisdn).length);
  expect([Math.min(...counts), Math.max(...counts)]).toEqual([2, 3]);
});

test('of several processes one runs a round', async () => {
  const clock = createFakeClock();
  const leases = createMemoryLeases(clock);
  const clients = [view(1, clock.now())];
  const nodes = [1, 2, 3].map(() => createFixture(clients, { clock, leases }));
  for (const _ of [1, 2]) await round(clock);
  expect(nodes.reduce((sum, { send }) => sum + send.mock.calls.length, 0)).toBe(2);
});

test('cancels a test whose SMS was not sent, and says why', async () => {
  const clock = createFakeClock();
  const { send, cancel, log } = createFixture([view(1, clock.now()), view(2, clock.now())], { clock });
  send.mockResolvedValueOnce({ kind: 'not sent', reason: 'no gateway client for operator MTN' });
  send.mockResolvedValueOnce({ kind: 'unconfirmed' });
  await round(clock);
  expect(cancel).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ msisdn: '+1' }));
  expect(JSON.stringify(log.lines)).toContain('no gateway client for operator MTN');
});

test('cancels a test whose SMS could not be prepared, and tests the other clients', async () => {
  const clock = createFakeClock();
  const clients = Array.from({ length: 20 }, (_, n) => view(10 + n, clock.now()));
  const { send, cancel, log } = createFixture(clients, { clock });
  send.mockRejectedValueOnce(new Error('too many open files'));
  clock.advance(everyMs);
  await vi.waitFor(() => expect(log.lines).not.toEqual([]), { interval: 1 });
  expect(send).toHaveBeenCalledTimes(20);
  expect(cancel).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ msisdn: '+10' }));
  expect(log.lines).toMatchObject([{ level: 'warn', fields: { notSent: 1, reason: 'too many open files' } }]);
});

test('continues after a round that failed', async () => {
  const clock = createFakeClock();
  const { start, send, log } = createFixture([view(1, clock.now())], { clock });
  start.mockRejectedValueOnce(new Error('the store is not writable'));
  await round(clock);
  expect(JSON.stringify(log.lines)).toContain('the store is not writable');
  await round(clock);
  expect(send).toHaveBeenCalledTimes(1);
});
