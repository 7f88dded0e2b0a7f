// Which calls and answers share a message: nothing is lost or doubled, and the order is kept.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { maxMessageWeight } from '../../../src/store/remote/bounds.ts';
import { createMessageBatch } from '../../../src/store/remote/messages.ts';

const nextTurn = () => new Promise(setImmediate);

/** A batch whose channel takes a message when the test says so. */
function openBatch() {
  const sent: (readonly unknown[])[] = [];
  const taken: (() => void)[] = [];
  const waiting: (() => void)[] = [];
  const batch = createMessageBatch<number>({
    send: (message, onSent) => {
      sent.push(message);
      taken.push(onSent);
    },
    later: (work) => waiting.push(work),
    onMessage: () => {},
    onClose: () => {},
  });
  const runAll = (works: (() => void)[]): void => {
    for (const work of works.splice(0)) work();
  };
  return { batch, sent, take: () => runAll(taken), becomeLater: () => runAll(waiting) };
}

test('what nobody waits for shares the message of what comes next', async () => {
  const { batch, sent, becomeLater } = openBatch();
  batch.addDeferred(1, 1);
  await nextTurn();
  expect(sent).toEqual([]);
  batch.add(2, 1);
  batch.addDeferred(3, 1);
  await nextTurn();
  expect(sent).toEqual([[1, 2, 3]]);
  becomeLater();
  expect(sent).toHaveLength(1);
});

test('and leaves alone when nothing comes', async () => {
  const { batch, sent, becomeLater } = openBatch();
  batch.addDeferred(1, 1);
  batch.addDeferred(2, 1);
  becomeLater();
  batch.addDeferred(3, 1);
  becomeLater();
  expect(sent).toEqual([[1, 2], [3]]);
});

const step = fc.oneof(
  fc.record({
    kind: fc.constantFrom('add', 'addDeferred'),
    weight: fc.integer({ min: 1, max: maxMessageWeight / 4 }),
  }),
  fc.record({ kind: fc.constantFrom('turn', 'later', 'take') }),
);

test('every item is sent once, in order, in messages of bounded weight', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      const { batch, sent, take, becomeLater } = openBatch();
      const weights: number[] = [];
      for (const each of steps) {
        if ('weight' in each) {
          batch[each.kind === 'add' ? 'add' : 'addDeferred'](weights.length, each.weight);
          weights.push(each.weight);
        }
        if (each.kind === 'turn') await nextTurn();
        if (each.kind === 'later') becomeLater();
        if (each.kind === 'take') take();
      }
      await nextTurn();
      becomeLater();
      expect(sent.flat()).toEqual([...weights.keys()]);
      const weightOf = (items: readonly unknown[]): number =>
        items.reduce<number>((sum, item) => sum + (weights[Number(item)] ?? 0), 0);
      for (const message of sent) expect(weightOf(message)).toBeLessThanOrEqual(maxMessageWeight);
      take();
      expect(batch.unsent).toBe(0);
    }),
  );
});
