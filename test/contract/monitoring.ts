// What every store must do with states of nodes and monitoring histories. Part of the suite in store.ts.

import { describe, expect, test } from 'vitest';
import type { NodeState } from '../../src/domain/monitoring/model.ts';
import type { Store } from '../../src/domain/store.ts';
import type { FakeClock } from '../support/fake-clock.ts';

const nodeState: NodeState = {
  instance: 'a1',
  version: '1.2.3',
  services: ['gateway', 'sync'],
  startedAt: 1_648_206_000_000,
  loopDelayMs: 0.5,
  sockets: 3,
  memory: 90_000_000,
  health: [{ name: 'store', state: 'ok', required: true, since: 1, checkedAt: 2 }],
  savedAt: 0,
  tail: '{"é":"\\n"}',
};

export function monitoringContract(given: () => { readonly store: Store; readonly clock: FakeClock }): void {
  describe('monitoring', () => {
    const monitoring = () => given().store.monitoring;
    const namesOf = async () => (await monitoring().nodes()).map(({ name }) => name);

    test('lists what each node said last, and how long ago', async () => {
      expect(await monitoring().nodes()).toEqual([]);
      await monitoring().publish('a:1', nodeState);
      given().clock.advance(1_000);
      await monitoring().publish('b:1', { ...nodeState, sockets: 4 });
      given().clock.advance(500);
      expect(await monitoring().nodes()).toEqual([
        { name: 'a:1', state: nodeState, ageMs: 1_500 },
        { name: 'b:1', state: { ...nodeState, sockets: 4 }, ageMs: 500 },
      ]);
      const failing = {
        name: 'users',
        state: 'unreachable',
        required: false,
        since: 1,
        checkedAt: 2,
        reason: 'x',
      };
      await monitoring().publish('a:1', { ...nodeState, health: [failing] });
      const [, last] = await monitoring().nodes();
      expect(last).toEqual({ name: 'a:1', state: { ...nodeState, health: [failing] }, ageMs: 0 });
    });

    test('forgets nodes that are silent for long, and the longest silent when there are too many', async () => {
      const { clock } = given();
      for (const name of ['a', 'b', 'c']) {
        await monitoring().publish(name, nodeState);
        clock.advance(1);
      }
      await monitoring().publish('a', nodeState);
      clock.advance(1);
      await monitoring().publish('d', nodeState);
      expect(await namesOf()).toEqual(['c', 'a', 'd']);
      clock.advance(59_998);
      expect(await namesOf()).toEqual(['a', 'd']);
      clock.advance(2);
      expect(await namesOf()).toEqual([]);
    });

    test('keeps the last history of each node, whatever its name is', async () => {
      const { clock } = given();
      const saved = (node: string, text: string) => ({ node, savedAt: clock.now(), text });
      expect(await monitoring().history('a')).toBeUndefined();
      await monitoring().saveHistory(saved('{a}:"1"\ud800', 'one'));
      await monitoring().saveHistory(saved('b', 'two'));
      const later = saved('{a}:"1"\ud800', 'three');
      await monitoring().saveHistory(later);
      expect(await monitoring().history(later.node)).toEqual(later);
      expect((await monitoring().historyNodes()).sort()).toEqual(['b', later.node]);
    });

    test('drops histories that were not saved for long, and the oldest when there are too many', async () => {
      const { clock } = given();
      for (const node of ['a', 'b', 'c', 'd']) {
        await monitoring().saveHistory({ node, savedAt: clock.now(), text: node });
        clock.advance(1);
      }
      expect((await monitoring().historyNodes()).sort()).toEqual(['b', 'c', 'd']);
      clock.advance(120_000);
      await monitoring().saveHistory({ node: 'e', savedAt: clock.now(), text: 'e' });
      expect(await monitoring().historyNodes()).toEqual(['e']);
      expect(await monitoring().history('b')).toBeUndefined();
    });
  });
}
