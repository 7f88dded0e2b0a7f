// When a disconnected session counts as gone, present or unknown: by queries, and by the accounting of its NAS.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type AccountingEvent, createAccountingVerifier } from '../../../src/domain/wifi/accounting.ts';
import type { WifiSession } from '../../../src/domain/wifi/model.ts';
import { createQueryVerifier, type Verdict } from '../../../src/domain/wifi/verification.ts';
import { createFakeClock } from '../../support/fake-clock.ts';

const session: WifiSession = { sessionId: '1', nasIp: '10.0.0.1', vrf: '1', clientMac: 'FC-45-96-5F-50-AC' };

describe('by queries', () => {
  /** The first answer is that of the query before the disconnect. Each query takes `ms`. */
  async function verifyBy(answers: readonly Verdict[], ms = 10, withinMs = 5_000) {
    const clock = createFakeClock();
    const left: number[] = [];
    const query = async (_session: WifiSession, leftMs: number): Promise<Verdict> => {
      left.push(leftMs);
      clock.advance(Math.min(ms, leftMs));
      return answers[left.length - 1] ?? answers.at(-1) ?? 'unknown';
    };
    const verifier = createQueryVerifier({
      query,
      withinMs,
      clock: {
        ...clock,
        after: (pause, fn) => {
          clock.advance(pause);
          queueMicrotask(fn);
          return () => undefined;
        },
      },
    });
    await verifier.prepare?.(session);
    const verdict = await verifier.verify(session);
    return { verdict, queries: left.length, took: clock.monotonic(), left };
  }

  test.each([
    ['gone immediately', ['present', 'gone'], 'gone', 2],
    ['gone later', ['present', 'present', 'unknown', 'present', 'gone'], 'gone', 5],
    ['gone, but not said to have been there', ['unknown', 'present', 'gone'], 'gone', 3],
    ['gone at a path that may be wrong', ['gone'], 'unknown', 2],
    ['there to the end', ['present'], 'present', 10],
    ['there as far as known', ['present', 'present', 'unknown'], 'present', 10],
    ['not said to be anything', ['unknown'], 'unknown', 10],
  ] as const)('%s', async (_case, answers, verdict, queries) => {
    expect(await verifyBy(answers)).toMatchObject({ verdict, queries });
  });

  test('a path that has found a session needs no further query before a disconnect', async () => {
    const answers: Verdict[] = ['present', 'gone', 'gone'];
    const query = async (): Promise<Verdict> => answers.shift() ?? 'unknown';
    const verifier = createQueryVerifier({ query, withinMs: 5_000, clock: createFakeClock() });
    for (const _ of ['first', 'second']) {
      await verifier.prepare?.(session);
      expect(await verifier.verify(session)).toBe('gone');
    }
    expect(answers).toEqual([]);
  });

  test('all together take no longer than the time, and no query gets none', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: 3_000 }),
        fc.integer({ min: 100, max: 60_000 }),
        async (ms, withinMs) => {
          const { took, left } = await verifyBy(['present'], ms, withinMs);
          expect(took).toBeLessThanOrEqual(withinMs + Math.min(withinMs, 1_000));
          expect(Math.min(...left)).toBeGreaterThanOrEqual(100);
        },
      ),
      { numRuns: 50 },
    );
  });
});

describe('by accounting', () => {
  const create = () => {
    const clock = createFakeClock();
    return { clock, ...createAccountingVerifier({ withinMs: 5_000, clock }) };
  };
  const event = (
    status: AccountingEvent['status'],
    more: Partial<AccountingEvent> = {},
  ): AccountingEvent => ({
    status,
    sessionId: '1',
    mac: 'fc:45:96:5f:50:ac',
    addresses: ['192.0.2.1', '10.0.0.1'],
    ...more,
  });

  test.each<[string, AccountingEvent[], AccountingEvent[], Verdict]>([
    ['a Stop', [], [event('stop')], 'gone'],
    [
      'a Stop without a MAC address',
      [],
      [{ status: 'stop', sessionId: '1', addresses: ['10.0.0.1'] }],
      'gone',
    ],
    ['a Stop before the answer of the NAS', [event('stop')], [], 'gone'],
    ['an update that is late', [event('stop'), event('interim')], [], 'gone'],
    ['an update, then the Stop', [], [event('interim'), event('stop')], 'gone'],
    ['an update alone', [], [event('interim')], 'present'],
    ['a new start with the same id', [event('stop'), event('start')], [event('interim')], 'present'],
    ['an update before the answer', [event('interim')], [], 'unknown'],
    ['nothing', [], [], 'unknown'],
    ['the Stop of another session', [], [event('stop', { sessionId: '2' })], 'unknown'],
    ['the Stop of another device', [event('stop', { mac: '02-00-00-00-00-01' })], [], 'unknown'],
    ['the Stop of another NAS', [], [event('stop', { addresses: ['10.0.0.2'] })], 'unknown'],
  ])('%s', async (_case, before, after, expected) => {
    const { clock, record, verify } = create();
    for (const each of before) record(each);
    const verdict = verify(session);
    for (const each of after) record(each);
    clock.advance(5_000);
    expect(await verdict).toBe(expected);
    expect(clock.pending).toBe(0);
  });

  test.each([
    ['2001:DB8:0:0::1', '2001:db8::1'],
    ['::FFFF:10.0.0.1', '10.0.0.1'],
  ])('a token may spell the address of the NAS as %s', async (nasIp, address) => {
    const { clock, record, verify } = create();
    const before = verify({ ...session, nasIp });
    record(event('stop', { addresses: [address] }));
    const after = verify({ ...session, nasIp });
    clock.advance(5_000);
    expect([await before, await after]).toEqual(['gone', 'gone']);
  });

  test('a Stop ends every wait for that session, and close ends all', async () => {
    const { record, verify, close } = create();
    const both = Promise.all([verify(session), verify(session)]);
    const other = verify({ ...session, sessionId: '3' });
    record(event('stop'));
    expect(await both).toEqual(['gone', 'gone']);
    close();
    expect(await other).toBe('unknown');
  });

  test('only the last 10,000 events are kept, for a minute', async () => {
    const { clock, record, verify } = create();
    record(event('stop'));
    for (let id = 10; id < 10_010; id += 1)
      record(event('stop', { sessionId: `${id}`, addresses: ['10.0.0.1'] }));
    const [evicted, kept] = [verify(session), verify({ ...session, sessionId: '10009' })];
    expect(await kept).toBe('gone');
    clock.advance(60_000);
    const expired = verify({ ...session, sessionId: '10009' });
    clock.advance(5_000);
    expect([await evicted, await expired]).toEqual(['unknown', 'unknown']);
  });
});
