// Outboxes that several processes use, each with claims of its own, and that know when a process is gone: what an embedded store
// does for its own process and for others.

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { InboundSms } from '../../src/domain/inbound/model.ts';
import type { OutboxStore } from '../../src/domain/shared/ports.ts';
import { deliverAll, idsIn, orderedEntry } from './outbox-order.ts';
import { entry, waiting } from './outboxes.ts';

export interface OutboxProcess {
  readonly inbound: OutboxStore<InboundSms>;
  /** The process is gone. */
  end(): void;
}

const now = 1_648_206_200_000;
const started = { attemptStartedAt: now - 1 };

/** `open` returns as many processes, which the end of the test closes, of a new store for 1,000 entries. */
export function processOutboxContract(name: string, open: (count: number) => Promise<OutboxProcess[]>): void {
  const openTwo = async () => {
    const [one, other] = await open(2);
    if (!one || !other) throw new Error('there are no processes');
    return { one, here: one.inbound, there: other.inbound };
  };

  describe(`${name}: outboxes of several processes`, () => {
    test('each entry is claimed by one process', async () => {
      const processes = await open(3);
      for (let n = 0; n < 100; n++) await processes[n % 3]?.inbound.put(waiting(`${n}`, n));
      const claims = await Promise.all(
        Array.from({ length: 30 }, (_, n) => processes[n % 3]?.inbound.claim(now, 5) ?? []),
      );
      expect(claims.flat()).toHaveLength(100);
      expect(new Set(claims.flat()).size).toBe(100);
    });

    test('only the process that has claimed an entry records an attempt, settles or postpones it', async () => {
      const { here, there } = await openTwo();
      await here.put(entry);
      expect(await here.claim(now, 9)).toEqual([entry.id]);
      expect(await there.claim(now, 9)).toEqual([]);
      expect(await there.putClaimed({ ...entry, attempts: 7 })).toBe('taken');
      expect(await there.settle(entry.id, { ...entry, attempts: 7 })).toBe(false);
      expect(await there.settle(entry.id, undefined)).toBe(false);
      await there.postpone(entry.id, 1);
      expect(await there.nextDueAt()).toBeUndefined();
      expect(await there.get(entry.id)).toEqual(entry);
      expect(await here.putClaimed({ ...entry, ...started })).toBe('claimed');
      expect(await there.get(entry.id)).toEqual({ ...entry, ...started });
      expect(await here.settle(entry.id, undefined)).toBe(true);
      expect(await here.settle(entry.id, entry)).toBe(false);
      expect(await there.get(entry.id)).toBeUndefined();
    });

    test('an entry that another process puts is claimed by nobody any longer', async () => {
      const { here, there } = await openTwo();
      await here.put(entry);
      await here.claim(now, 9);
      await there.put({ ...entry, attempts: 0 });
      expect(await here.putClaimed({ ...entry, ...started })).toBe('taken');
      expect(await here.settle(entry.id, undefined)).toBe(false);
      expect(await there.claim(now, 9)).toEqual([entry.id]);
      await here.remove(entry.id);
      expect(await there.settle(entry.id, entry)).toBe(false);
      expect(await there.count()).toEqual({ waiting: 0, deadLetters: 0 });
    });

    test('claims of a process that is gone can be claimed immediately, with the attempts that it has recorded', async () => {
      const { one, here, there } = await openTwo();
      for (const id of ['a', 'b', 'c']) await here.put(waiting(id, 10));
      expect(await there.claim(now, 1)).toEqual(['a']);
      expect(await here.claim(now, 2)).toEqual(['b', 'c']);
      expect(await here.putClaimed({ ...waiting('b', 10), ...started })).toBe('claimed');
      expect(await here.putClaimed({ ...waiting('new', 20), ...started })).toBe('claimed');
      expect(await there.nextDueAt()).toBeUndefined();
      one.end();
      expect(await there.nextDueAt()).toBe(10);
      expect(await there.count()).toEqual({ waiting: 4, deadLetters: 0 });
      expect(await there.claim(now, 9)).toEqual(['b', 'c', 'new']);
      const found = await Promise.all(['b', 'c', 'new'].map((id) => there.get(id)));
      expect(found.map((each) => each?.attemptStartedAt)).toEqual([now - 1, undefined, now - 1]);
      for (const id of ['b', 'c', 'new']) expect(await there.settle(id, undefined)).toBe(true);
      expect(await deliverAll(there, now)).toEqual([]);
    });

    test('an attempt that a process records while it ends is claimed by nobody', async () => {
      const { one, here, there } = await openTwo();
      await there.put(waiting('known', 10));
      expect(await here.claim(now, 9)).toEqual(['known']);
      const recording = [
        here.putClaimed({ ...waiting('new', 20), ...started }),
        here.putClaimed({ ...waiting('known', 10), ...started }),
      ];
      // The owner gets the calls before it notices the end of the process.
      await Promise.race([recording[0], there.count()]);
      one.end();
      await Promise.allSettled(recording);
      const claimed: string[] = [];
      for (const id of ['known', 'new']) {
        const isThere = (await there.get(id)) !== undefined;
        if (isThere) claimed.push(id);
      }
      expect((await there.claim(now, 9)).sort()).toEqual(claimed);
      expect(claimed).toContain('known');
    });

    test('entries behind one of a process that is gone follow it in their order', async () => {
      const { one, here, there } = await openTwo();
      for (const id of ['a', 'b', 'c']) await there.put(orderedEntry(id, 'k', { dueAt: now, since: now }));
      expect(await here.claim(now, 9)).toEqual(['a']);
      expect(await there.claim(now, 9)).toEqual([]);
      expect(await there.putClaimed(orderedEntry('d', 'k'))).toBe('behind');
      one.end();
      expect(idsIn(await there.waitingOf('k', 9))).toEqual(['a', 'b', 'c']);
      expect(await deliverAll(there, now)).toEqual(['a', 'b', 'c']);
    });

    test('of concurrent attempts of one new entry one is recorded', async () => {
      const processes = await open(3);
      const claims = await Promise.all(processes.map(({ inbound }) => inbound.putClaimed(entry)));
      expect(claims.sort()).toEqual(['claimed', 'taken', 'taken']);
    });

    test('no two processes have the same entry, and each key keeps its order, whatever they do and whichever ends', async () => {
      const step = fc.record({
        process: fc.nat(2),
        action: fc.constantFrom('put', 'put', 'attempt', 'claim', 'deliver', 'fail', 'postpone', 'end'),
        key: fc.constantFrom('k', 'l', undefined),
      });
      const runSteps = async (
        steps: readonly { process: number; action: string; key: string | undefined }[],
      ) => {
        const processes = await open(3);
        const [last] = processes.slice(-1);
        const arrived: string[] = [];
        const delivered: string[] = [];
        const keyOf = new Map<string, string | undefined>();
        const claims = processes.map(() => new Set<string>());
        const ended = new Set<number>();
        const take = (mine: Set<string>, ids: readonly string[]): void => {
          for (const id of ids) {
            expect(claims.filter((each) => each.has(id))).toEqual([]);
            mine.add(id);
          }
        };
        for (const [n, { process, action, key }] of steps.entries()) {
          const found = processes[process];
          const mine = claims[process];
          if (!found || !mine || ended.has(process)) continue;
          const { inbound } = found;
          const id = `${n}`;
          const next = { ...waiting(id, now), ...(key !== undefined && { orderKey: key }) };
          const [first] = mine;
          if (action === 'put' || action === 'attempt') {
            const isKept = action === 'put' || (await inbound.putClaimed(next)) === 'claimed';
            if (!isKept) continue;
            if (action === 'put') await inbound.put(next);
            arrived.push(id);
            keyOf.set(id, key);
            if (action === 'attempt') take(mine, [id]);
          } else if (action === 'claim') take(mine, await inbound.claim(now, 2));
          else if (action === 'end' && found !== last) {
            found.end();
            ended.add(process);
            mine.clear();
          } else if (first !== undefined) {
            mine.delete(first);
            const kept = await inbound.get(first);
            if (action === 'postpone' || action === 'end') await inbound.postpone(first, now);
            else if (action === 'fail') expect(await inbound.settle(first, kept)).toBe(true);
            else {
              expect(await inbound.settle(first, undefined)).toBe(true);
              delivered.push(first);
            }
          }
        }
        for (const [process, { end }] of processes.entries()) if (process < 2 && !ended.has(process)) end();
        if (!last) throw new Error('there are no processes');
        for (const id of claims[2] ?? []) await last.inbound.postpone(id, now);
        delivered.push(...(await deliverAll(last.inbound, now)));
        expect([...delivered].sort()).toEqual([...arrived].sort());
        for (const key of ['k', 'l']) {
          const ofKey = (ids: readonly string[]) => ids.filter((id) => keyOf.get(id) === key);
          expect(ofKey(delivered)).toEqual(ofKey(arrived));
        }
      };
      await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 60 }), runSteps), {
        numRuns: 25,
      });
    });
  });
}
