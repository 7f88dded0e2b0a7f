// Concurrent password attempts of one address, before any of them is known to be wrong.

import { expect, test } from 'vitest';
import { createPasswordAttempts } from '../../../src/domain/pairing/password-attempts.ts';
import { createMemoryLimits } from '../../../src/store/memory/limits.ts';
import { createFakeClock } from '../../support/fake-clock.ts';

test('concurrent attempts of one address for many users are bounded immediately', async () => {
  const limit = { count: 5, windowMs: 900_000 };
  const attempts = createPasswordAttempts(createMemoryLimits(createFakeClock()), limit);
  const begun = await Promise.all(
    Array.from({ length: 100 }, (_, n) => attempts.begin(`user${n}`, `session${n}`, '192.0.2.1')),
  );
  const allowed = begun.filter(({ refused }) => !refused);
  expect(allowed).toHaveLength(32);
  for (const attempt of allowed) if (!attempt.refused) await attempt.end(false);
  expect((await attempts.begin('user', 'session', '192.0.2.1')).refused).toBe(false);
});
