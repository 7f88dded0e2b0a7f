// Several backends of one disconnect: their order, what counts as success, and the reports of each.

import { expect, test } from 'vitest';
import { disconnectAt, parseReports } from '../../../src/domain/wifi/backends.ts';
import type { WifiSession } from '../../../src/domain/wifi/model.ts';
import type { BackendName, BackendResult } from '../../../src/domain/wifi/ports.ts';
import { createFakeClock } from '../../support/fake-clock.ts';

const session: WifiSession = { sessionId: '1', nasIp: '10.0.0.1', vrf: '1', clientMac: 'FC-45-96-5F-50-AC' };
const done: BackendResult = { kind: 'disconnected' };
const gone: BackendResult = {
  kind: 'already gone',
  reason: 'no such session',
  attempts: 1,
  nas: 'a',
  errorCause: 503,
};
const down: BackendResult = { kind: 'unreachable', reason: 'the PCRF is unreachable' };
const silent: BackendResult = { kind: 'timeout', reason: 'NAS a did not answer', attempts: 4, nas: 'a' };

/** Disconnects at backends that take 5 ms each. */
async function outcomeOf(results: Partial<Record<BackendName, BackendResult>>, alreadyGone = 'failure') {
  const clock = createFakeClock();
  const called: string[] = [];
  const backends = (['pcrf', 'radius'] as const).flatMap((name) => {
    const result = results[name];
    if (!result) return [];
    const disconnect = async (): Promise<BackendResult> => {
      called.push(name);
      clock.advance(5);
      return result;
    };
    return [{ name, disconnect }];
  });
  const rules = { alreadyGone: alreadyGone === 'success' ? 'success' : 'failure', clock } as const;
  return { outcome: await disconnectAt(backends, session, rules), called };
}

test('a single backend gives its own kind and reason', async () => {
  expect((await outcomeOf({ pcrf: down })).outcome).toEqual({
    kind: 'unreachable',
    reason: 'the PCRF is unreachable',
    reports: [
      { backend: 'pcrf', kind: 'unreachable', reason: 'the PCRF is unreachable', attempts: 0, durationMs: 5 },
    ],
  });
  expect((await outcomeOf({ radius: silent })).outcome).toEqual({
    kind: 'timeout',
    reason: 'NAS a did not answer',
    reports: [
      {
        backend: 'radius',
        kind: 'timeout',
        reason: 'NAS a did not answer',
        attempts: 4,
        durationMs: 5,
        nas: 'a',
      },
    ],
  });
});

test('the PCRF is called first, and both must succeed; the reason says what was done', async () => {
  const both = await outcomeOf({ pcrf: done, radius: done });
  expect([both.called, both.outcome.kind]).toEqual([['pcrf', 'radius'], 'disconnected']);
  const first = await outcomeOf({ pcrf: down, radius: done });
  expect(first.called).toEqual(['pcrf', 'radius']);
  expect(first.outcome).toMatchObject({
    kind: 'unreachable',
    reason: 'the PCRF is unreachable; the session was ended by RADIUS',
  });
  expect((await outcomeOf({ pcrf: done, radius: silent })).outcome).toMatchObject({
    kind: 'timeout',
    reason: 'NAS a did not answer; the session was ended by the PCRF',
  });
  expect((await outcomeOf({ pcrf: down, radius: silent })).outcome).toMatchObject({
    kind: 'unreachable',
    reason: 'the PCRF is unreachable; NAS a did not answer',
  });
});

test('a session that the NAS does not know is a failure, unless already_gone = success or the PCRF has just ended it', async () => {
  expect((await outcomeOf({ radius: gone })).outcome).toMatchObject({
    kind: 'rejected',
    reason: 'no such session',
    reports: [{ kind: 'rejected', alreadyGone: true, errorCause: 503 }],
  });
  for (const { outcome } of [
    await outcomeOf({ radius: gone }, 'success'),
    await outcomeOf({ pcrf: done, radius: gone }),
  ]) {
    expect(outcome.kind).toBe('disconnected');
    expect(outcome.reports.at(-1)).toMatchObject({
      kind: 'disconnected',
      alreadyGone: true,
      errorCause: 503,
    });
  }
  expect((await outcomeOf({ pcrf: down, radius: gone })).outcome.kind).toBe('unreachable');
});

test('reports survive the way through JSON; malformed ones are refused', async () => {
  const { outcome } = await outcomeOf({
    pcrf: { ...done, notDone: ['the MAC address stays'] },
    radius: gone,
  });
  expect(parseReports(JSON.parse(JSON.stringify(outcome.reports)))).toEqual(outcome.reports);
  const [report] = outcome.reports;
  for (const malformed of [
    undefined,
    {},
    [1],
    [{}],
    [{ ...report, backend: 'other' }],
    [{ ...report, kind: 'toString' }],
    [{ ...report, attempts: '1' }],
    [report, report, report],
  ]) {
    expect(parseReports(malformed)).toBeUndefined();
  }
});
