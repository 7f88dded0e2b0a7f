// Concurrent password attempts of one address, before any of them is known to be wrong.

import { expect, test } from 'vitest';
import { beginAttempt, createRunningAttempts } from '../../../src/domain/pairing/password-attempts.ts';
import { createMemoryLimits } from '../../../src/store/memory/limits.ts';
import { createFakeClock } from '../../support/fake-clock.ts';

const limit = { count: 5, windowMs: 900_000 };
const address = '192.0.2.1';

test('concurrent attempts of one address for many users are bounded immediately', async () => {
  const limits = createMemoryLimits(createFakeClock());
  const runningAttempts = createRunningAttempts();
  const started = Array.from({ length: 100 }, () => runningAttempts.start(address));
  const attempts = started.map((_, n) => ({ userId: `user${n}`, sessionId: `session${n}`, address }));
  const refusals = await Promise.all(
    attempts.map((attempt, n) => beginAttempt(limits, limit, attempt, started[n]?.tooManyRunning === true)),
  );
  expect(refusals.filter((refusal) => !refusal)).toHaveLength(32);
  expect(refusals.at(-1)).toEqual({ invalidatesSession: false, seconds: 1 });
  for (const { end } of started) end();
  expect(runningAttempts.start(address).tooManyRunning).toBe(false);
});

test('an attempt that is refused for its address does not count for its user', async () => {
  const limits = createMemoryLimits(createFakeClock());
  const attempt = { userId: 'alice', sessionId: 's', address };
  for (let n = 0; n < 10; n++)
    expect(await beginAttempt(limits, limit, attempt, true)).toEqual({
      invalidatesSession: false,
      seconds: 1,
    });
  expect(await beginAttempt(limits, limit, attempt, false)).toBeUndefined();
});

test('a session whose passwords were guessed is to be removed, and its limit is named', async () => {
  const limits = createMemoryLimits(createFakeClock());
  const attempt = { userId: 'alice', sessionId: 's', address };
  for (let n = 0; n < 5; n++) expect(await beginAttempt(limits, limit, attempt, false)).toBeUndefined();
  const refusal = await beginAttempt(limits, limit, attempt, false);
  expect(refusal).toEqual({ invalidatesSession: true, seconds: 900, key: 'password:session:alice/s' });
});
