// Rate limits on guesses at credentials, for an address and for a developer at an address.

import { describe, expect, test, vi } from 'vitest';
import { createDevelopers } from '../../../src/domain/outgoing/developers.ts';
import type { CredentialCheck } from '../../../src/domain/outgoing/ports.ts';
import { createMemoryLimits } from '../../../src/store/memory/limits.ts';
import { createFakeClock } from '../../support/fake-clock.ts';

function createFixture() {
  const clock = createFakeClock();
  const api = {
    authenticate: vi.fn(
      async (_id: string, key: string): Promise<CredentialCheck> => ({
        kind: key === 'right' ? 'accepted' : 'refused',
      }),
    ),
  };
  const developers = createDevelopers({
    api,
    limits: createMemoryLimits(clock),
    setup: { id: 'setup', key: 'secret' },
    guessLimit: { count: 5, windowMs: 900_000 },
  });
  const outcomes = async (promises: readonly Promise<void>[]) => {
    const settled = await Promise.allSettled(promises);
    return settled.map((each) => (each.status === 'fulfilled' ? 'in' : String(each.reason.code)));
  };
  return { clock, api, developers, outcomes };
}

const home = '192.0.2.1';

describe('credentials', () => {
  test('concurrent guesses get no more attempts than sequential ones', async () => {
    const { developers, api, outcomes } = createFixture();
    const burst = Array.from({ length: 100 }, (_, n) => developers.authenticate('dev', `guess ${n}`, home));
    const found = await outcomes(burst);
    expect(found.filter((each) => each === 'UNAUTHENTICATED')).toHaveLength(5);
    expect(found.filter((each) => each === 'LIMITED')).toHaveLength(95);
    expect(api.authenticate).toHaveBeenCalledTimes(5);
  });

  test('guesses at many developers are counted for the address', async () => {
    const { developers, outcomes, api } = createFixture();
    const burst = Array.from({ length: 100 }, (_, n) => developers.authenticate(`dev${n}`, 'x', home));
    await outcomes(burst);
    // As many as may run concurrently, before any of them is known to be wrong.
    expect(api.authenticate).toHaveBeenCalledTimes(32);
    await expect(developers.authenticate('dev', 'right', home)).rejects.toMatchObject({ code: 'LIMITED' });
  });

  test('guesses from elsewhere do not lock a developer out, and the limit expires', async () => {
    const { developers, outcomes, clock } = createFixture();
    for (let n = 0; n < 6; n++) await outcomes([developers.authenticate('dev', `guess ${n}`, '203.0.113.9')]);
    await developers.authenticate('dev', 'right', home);
    const there = developers.authenticate('dev', 'right', '203.0.113.9');
    await expect(there).rejects.toMatchObject({ code: 'LIMITED' });
    clock.advance(900_000);
    await developers.authenticate('dev', 'right', '203.0.113.9');
  });

  test('that are right never count, concurrently or sequentially', async () => {
    const { developers, outcomes, api } = createFixture();
    const all = Array.from({ length: 50 }, () => developers.authenticate('dev', 'right', home));
    expect(new Set(await outcomes(all))).toEqual(new Set(['in']));
    // Concurrent checks of the same credentials make one call.
    expect(api.authenticate).toHaveBeenCalledTimes(1);
    for (let n = 0; n < 20; n++) await developers.authenticate('dev', 'right', home);
  });

  test('that could not be checked do not count as wrong', async () => {
    const { developers, api } = createFixture();
    api.authenticate.mockResolvedValue({ kind: 'failed', reason: 'down', publicReason: 'down' });
    for (let n = 0; n < 20; n++) {
      const promise = developers.authenticate('dev', 'right', home);
      await expect(promise).rejects.toMatchObject({ code: 'UPSTREAM' });
    }
    api.authenticate.mockResolvedValue({ kind: 'accepted' });
    await developers.authenticate('dev', 'right', home);
  });
});

test('guesses at set-up credentials are limited in the same way', async () => {
  const { developers, outcomes } = createFixture();
  const burst = Array.from({ length: 50 }, (_, n) =>
    developers.checkSetup({ id: 'setup', key: `${n}` }, home),
  );
  const found = await outcomes(burst);
  expect(found.filter((each) => each === 'UNAUTHENTICATED')).toHaveLength(5);
  await expect(developers.checkSetup({ id: 'setup', key: 'secret' }, home)).rejects.toMatchObject({
    code: 'LIMITED',
  });
  await developers.checkSetup({ id: 'setup', key: 'secret' }, '198.51.100.1');
});
