// Failover between hosts: their order, the time of all calls together, and that no second call follows one that may have acted.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type CallLimits, createFailover, type HostCall } from '../../../src/domain/wifi/failover.ts';
import { createFakeClock } from '../../support/fake-clock.ts';

const kinds = ['answers', 'too late', 'breaks off', 'refuses', 'accepts nothing', 'is busy'] as const;
type Behaviour = { readonly kind: (typeof kinds)[number]; readonly waits: number; readonly takes: number };

/** What a host does with a call, and when it is over. */
function callOf({ kind, waits, takes }: Behaviour, { waitMs, sendMs, totalMs }: CallLimits) {
  const sent = (outcome: HostCall<string>['outcome'], ms: number) => ({ outcome, mayHaveActed: true, ms });
  const unsent = (outcome: HostCall<string>['outcome'], ms: number) => ({ outcome, mayHaveActed: false, ms });
  const wait = waits * waitMs;
  switch (kind) {
    case 'answers':
      return sent('answered', wait + takes * totalMs);
    case 'too late':
      return sent('failed', wait + totalMs);
    case 'breaks off':
      return sent('failed', wait + takes * totalMs);
    case 'refuses':
      return unsent('failed', wait + takes * sendMs);
    case 'accepts nothing':
      return unsent('failed', wait + sendMs);
    case 'is busy':
      return unsent('busy', waitMs);
  }
}

const fraction = fc.constantFrom(0, 0.001, 0.3, 1);
const behaviour = fc.record({ kind: fc.constantFrom(...kinds), waits: fraction, takes: fraction });
const setup = fc.record({
  hosts: fc.integer({ min: 1, max: 4 }).map((count) => ['a', 'b', 'c', 'd'].slice(0, count)),
  waitMs: fc.integer({ min: 10, max: 300_000 }),
  timeoutMs: fc.integer({ min: 10, max: 300_000 }),
  pauseMs: fc.integer({ min: 0, max: 60_000 }),
  repeats: fc.boolean(),
  runs: fc.array(
    fc.record({
      after: fc.integer({ min: 0, max: 70_000 }),
      does: fc.array(behaviour, { minLength: 4, maxLength: 4 }),
    }),
    { minLength: 1, maxLength: 12 },
  ),
});

test('whatever hosts do, each is called once at most, in order, in the time, and none after one that may have acted', async () => {
  await fc.assert(
    fc.asyncProperty(setup, async ({ hosts, repeats, runs, ...times }) => {
      const clock = createFakeClock();
      const failover = createFailover({ hosts, ...times, clock });
      /** Until when a host is passed over. */
      const failed = new Map<string, number>();
      for (const { after, does } of runs) {
        clock.advance(after);
        const startedAt = clock.monotonic();
        const isPassedOver = (host: string): boolean => (failed.get(host) ?? 0) > startedAt;
        const order = [...hosts.filter((host) => !isPassedOver(host)), ...hosts.filter(isPassedOver)];
        const calls: { host: string; acted: boolean; outcome: string }[] = [];
        const result = await failover.run(
          async (host, limits) => {
            expect(Math.min(limits.waitMs, limits.sendMs - 1)).toBeGreaterThanOrEqual(0);
            expect(limits.sendMs).toBeLessThanOrEqual(limits.totalMs);
            if (hosts.length === 1)
              expect(limits).toEqual({
                waitMs: times.waitMs,
                sendMs: times.timeoutMs,
                totalMs: times.timeoutMs,
              });
            const { ms, outcome, mayHaveActed } = callOf(does[hosts.indexOf(host)] ?? fail(), limits);
            clock.advance(ms);
            if (outcome === 'failed') failed.set(host, clock.monotonic() + times.pauseMs);
            if (outcome === 'answered') failed.delete(host);
            calls.push({ host, acted: mayHaveActed, outcome });
            return { outcome, mayHaveActed, value: host };
          },
          { repeats },
        );
        expect(calls.map(({ host }) => host)).toEqual(order.slice(0, calls.length));
        const isEnd = ({ acted, outcome }: (typeof calls)[number]) =>
          outcome === 'answered' || (acted && !repeats);
        expect(calls.slice(0, -1).filter(isEnd)).toEqual([]);
        // Rounding is a millisecond a call.
        const took = clock.monotonic() - startedAt;
        expect(took).toBeLessThanOrEqual(times.waitMs + times.timeoutMs + 2 * hosts.length);
        if (calls.length < order.length && !calls.some(isEnd))
          expect(took).toBeGreaterThan(times.waitMs + times.timeoutMs - 1);
        expect(result).toEqual({
          host: calls.at(-1)?.host,
          value: calls.at(-1)?.host,
          earlier: calls.slice(0, -1).map(({ host }) => host),
          sent: calls.filter(({ acted }) => acted).length,
        });
      }
    }),
    { numRuns: 150 },
  );
});

function fail(): never {
  throw new Error('no behaviour');
}

describe('a host that has failed', () => {
  const answered = (value: string) => ({ outcome: 'answered', mayHaveActed: true, value }) as const;
  const refused = (value: string) => ({ outcome: 'failed', mayHaveActed: false, value }) as const;
  const none = { answered: 0, busy: 0, failed: 0, stopping: 0 };
  const create = () => {
    const clock = createFakeClock();
    const options = { hosts: ['a', 'b'], pauseMs: 10_000, waitMs: 5_000, timeoutMs: 10_000, clock };
    return { clock, ...createFailover(options) };
  };

  test('is passed over for its pause, then one call tries it, and it is the first again', async () => {
    const { clock, run, states } = create();
    const called: string[] = [];
    const isUp = { a: false };
    let release = (): void => {};
    const call = async (host: string) => {
      called.push(host);
      if (host === 'b') return answered(host);
      if (!isUp.a) return refused(host);
      await new Promise<void>((resolve) => {
        release = resolve;
      });
      return answered(host);
    };
    await run(call);
    await run(call);
    expect(called.splice(0)).toEqual(['a', 'b', 'b']);
    expect(states()).toEqual([
      { host: 'a', state: 'failed', calls: { ...none, failed: 1 } },
      { host: 'b', state: 'working', calls: { ...none, answered: 2 } },
    ]);
    clock.advance(10_000);
    expect(states()[0]?.state).toBe('probing');
    isUp.a = true;
    const probe = run(call);
    await Promise.all([run(call), run(call)]);
    expect(called.splice(0)).toEqual(['a', 'b', 'b']);
    release();
    await probe;
    expect(states()[0]?.state).toBe('working');
    const next = run(call);
    release();
    expect((await next).host).toBe('a');
  });

  test('is called nevertheless when the others fail, too', async () => {
    const { run } = create();
    await run(async (host) => refused(host));
    const { host, earlier } = await run(async (name) => (name === 'b' ? refused(name) : answered(name)));
    expect([host, earlier]).toEqual(['a', []]);
  });

  test('whose call throws is not probed for ever', async () => {
    const { clock, run } = create();
    await run(async (host) => refused(host));
    clock.advance(10_000);
    await expect(run(() => Promise.reject(new Error('bug')))).rejects.toThrow('bug');
    expect((await run(async (host) => answered(host))).host).toBe('a');
  });
});
