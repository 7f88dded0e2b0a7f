// Answers that are kept: for how long, how many, and that the same question is asked once at a time.

import { describe, expect, test } from 'vitest';
import { createAnswers } from '../../src/upstream/answers.ts';
import { createFakeClock } from '../support/fake-clock.ts';

function setUp(keepMs: (answer: string) => number = () => 1_000) {
  const clock = createFakeClock();
  const answers = createAnswers<string>({ clock, keepMs, tooMany: () => new Error('too many') });
  const asked: string[] = [];
  return {
    clock,
    asked,
    answers,
    ask: (key: string) =>
      answers.get(key, async () => {
        asked.push(key);
        return `${key}!`;
      }),
  };
}

describe('an answer', () => {
  test('is kept for its time, from time 0 of the clock, whatever happens to wall time', async () => {
    const { clock, asked, ask } = setUp();
    expect(await ask('a')).toBe('a!');
    clock.setWall(0);
    clock.advance(999);
    expect(await ask('a')).toBe('a!');
    expect(asked).toEqual(['a']);
    clock.advance(1);
    expect(await ask('a')).toBe('a!');
    expect(asked).toEqual(['a', 'a']);
  });

  test('whose time is 0 is not kept', async () => {
    const { asked, ask } = setUp(() => 0);
    await ask('a');
    await ask('a');
    expect(asked).toEqual(['a', 'a']);
  });

  test('can be forgotten before its time', async () => {
    const { answers, asked, ask } = setUp();
    await ask('a');
    answers.forget('a');
    await ask('a');
    expect(asked).toEqual(['a', 'a']);
  });

  test('gives way to 10,000 others, the least recently used first', async () => {
    const { asked, ask } = setUp();
    for (let index = 0; index < 10_000; index += 1) await ask(String(index));
    await ask('0');
    await ask('new');
    expect(asked).toHaveLength(10_001);
    await ask('0');
    expect(asked).toHaveLength(10_001);
    await ask('1');
    expect(asked.at(-1)).toBe('1');
  });
});

describe('a question under way', () => {
  test('is shared by all who ask the same, and by no others', async () => {
    const { asked, ask } = setUp(() => 0);
    expect(await Promise.all([ask('a'), ask('b'), ask('a')])).toEqual(['a!', 'b!', 'a!']);
    expect(asked).toEqual(['a', 'b']);
  });

  test('that fails fails for all, and is asked anew', async () => {
    const { answers, ask } = setUp();
    const fail = () => Promise.reject(new Error('no'));
    expect(await Promise.allSettled([answers.get('a', fail), answers.get('a', fail)])).toEqual([
      { status: 'rejected', reason: new Error('no') },
      { status: 'rejected', reason: new Error('no') },
    ]);
    expect(await ask('a')).toBe('a!');
  });

  test('is one of 256 at most; kept answers and shared questions do not count', async () => {
    const { answers, ask } = setUp();
    await ask('kept');
    let resolve = (_answer: string): void => {};
    const promise = new Promise<string>((settle) => {
      resolve = settle;
    });
    const waiting = Array.from({ length: 256 }, (_, index) => answers.get(String(index), () => promise));
    await expect(ask('one more')).rejects.toThrow('too many');
    expect(await ask('kept')).toBe('kept!');
    const shared = ask('0');
    resolve('late');
    expect(await shared).toBe('late');
    await Promise.all(waiting);
    expect(await ask('one more')).toBe('one more!');
  });
});
