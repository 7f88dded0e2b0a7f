// Lines with the same text: how many are logged, and what is said about the others.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createFakeClock } from '../../support/fake-clock.ts';
import { createTestLogs } from '../../support/logs.ts';

const parsed = (lines: readonly string[]) =>
  lines.map((line) => JSON.parse(line) as { msg: string; id?: number; suppressed?: number; line?: string });

function create(...set: string[]) {
  const clock = createFakeClock();
  return { clock, ...createTestLogs({ clock, set: ['max_repeats=3/1m', ...set] }) };
}

test('a text is logged so many times a window at warn and error, and the rest is counted in one line', () => {
  const { log, lines, clock, drops } = create();
  for (let id = 0; id < 1_000; id++) log.error({ id }, 'a callback was dropped');
  log.error({ id: 1 }, 'another text');
  expect(parsed(lines).map(({ id }) => id)).toEqual([0, 1, 2, 1]);
  clock.advance(59_999);
  expect(lines).toHaveLength(4);
  clock.advance(1);
  expect(parsed(lines).slice(4)).toEqual([
    {
      level: 50,
      time: expect.any(String),
      line: 'a callback was dropped',
      suppressed: 997,
      seconds: 60,
      msg: 'repeated lines were not logged: see [logging] max_repeats',
    },
  ]);
  log.error({ id: 7 }, 'a callback was dropped');
  expect(parsed(lines).at(-1)).toMatchObject({ id: 7, msg: 'a callback was dropped' });
  expect(drops().repeated).toBe(997);
  expect(clock.pending).toBe(0);
});

test('services, levels and texts are counted apart, and lines below warn are not counted', () => {
  const { log, logFor, lines } = create();
  for (let round = 0; round < 5; round++) {
    for (const each of [log, logFor('gateway'), logFor('sync')]) {
      each.warn({}, 'text');
      each.error({}, 'text');
      each.info({}, 'text');
    }
  }
  const count = (level: number) => lines.filter((line) => JSON.parse(line).level === level).length;
  expect([count(30), count(40), count(50)]).toEqual([15, 9, 9]);
});

test('the line of a request that failed is always there, as those of others are', () => {
  const { log, lines } = create();
  for (let id = 0; id < 10; id++) log.error({ id }, 'request failed');
  expect(lines).toHaveLength(10);
});

test('off logs each line; below the level nothing is counted', () => {
  const every = create('max_repeats=off');
  for (let id = 0; id < 10; id++) every.log.warn({ id }, 'text');
  expect(every.lines).toHaveLength(10);
  const errors = create('level=error');
  for (let id = 0; id < 10; id++) errors.log.warn({ id }, 'text');
  errors.setLevels({ level: 'warn', gelfLevel: 'off' });
  errors.log.warn({ id: 10 }, 'text');
  expect([errors.lines.length, errors.drops().repeated]).toEqual([1, 0]);
});

test('the end of the process does not lose the count', async () => {
  const { log, lines, clock, close } = create();
  for (let id = 0; id < 5; id++) log.warn({ id }, 'text');
  await close();
  expect(parsed(lines).at(-1)).toMatchObject({ line: 'text', suppressed: 2 });
  for (let id = 0; id < 5; id++) log.warn({ id }, 'text');
  expect([lines.length, clock.pending]).toEqual([9, 0]);
});

test('however lines and time alternate, each line is logged or counted, and no window has more than its limit', () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.constantFrom('a', 'b'), fc.integer({ min: 1, max: 40_000 })), { maxLength: 60 }),
      (steps) => {
        const { log, lines, clock, drops } = create();
        let [written, advanced] = [0, 0];
        for (const step of steps) {
          if (typeof step === 'number') {
            clock.advance(step);
            advanced += step;
          } else {
            log.warn({}, step);
            written++;
          }
        }
        const shown = parsed(lines).filter(({ msg }) => msg === 'a' || msg === 'b');
        expect(shown.length + drops().repeated).toBe(written);
        expect(shown.length).toBeLessThanOrEqual(2 * 3 * (1 + Math.ceil(advanced / 60_000)));
        clock.advance(60_000);
        const counted = parsed(lines).reduce((sum, each) => sum + (each.suppressed ?? 0), 0);
        expect(counted).toBe(drops().repeated);
      },
    ),
  );
});

test('texts that are all different end the oldest windows, and stay bounded', () => {
  const { log, lines, clock } = create();
  for (let repeat = 0; repeat < 4; repeat++) log.warn({}, 'the first');
  for (let text = 0; text < 1_000; text++) log.warn({}, `text ${text}`);
  expect(parsed(lines).filter(({ line }) => line === 'the first')).toHaveLength(1);
  expect(clock.pending).toBe(0);
});
