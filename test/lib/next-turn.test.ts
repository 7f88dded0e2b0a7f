import { expect, test } from 'vitest';
import { createTurns } from '../../src/lib/next-turn.ts';

test('callers together do so many units of work in one turn of the event loop, and take turns', async () => {
  const turn = createTurns(3);
  const done: string[] = [];
  const work = async (name: string): Promise<void> => {
    for (let n = 0; n < 5; n++) {
      await turn();
      done.push(name);
    }
  };
  const ended = Promise.all([work('a'), work('b')]);
  const perTurn: number[] = [];
  while (done.length < 10) {
    const before = done.length;
    await new Promise(setImmediate);
    perTurn.push(done.length - before);
  }
  await ended;
  expect(Math.max(...perTurn)).toBeLessThanOrEqual(3);
  expect(done.slice(0, 5)).toContain('b');
});
