// The reports of several nodes about outgoing SMS, put together.

import { expect, test } from 'vitest';
import { mergeReports } from '../../../src/domain/outgoing/merged-report.ts';
import type { SendingReport } from '../../../src/domain/outgoing/sending-statistics.ts';

const none = { sent: 0, unroutable: 0, refused: 0, unconfirmed: 0, failed: 0 };
const report = (since: number, sent: number, operator: string, p95: number): SendingReport => ({
  since,
  outcomes: { ...none, sent },
  operators: [{ operator, counts: { ...none, sent } }],
  latency: { p50: 1, p95, max: p95, count: sent },
  callbacks: { delivered: 1, refused: 0, failed: 0, deadLettered: 0 },
  errors: [{ at: since, outcome: 'failed', operator, authId: 'a', reason: 'no' }],
});

test('counts are added, and latencies are those of the slowest node', () => {
  const merged = mergeReports([report(5, 1, 'MTN', 10), report(3, 2, 'MTN', 90), report(4, 9, 'Orange', 20)]);
  expect(merged).toMatchObject({
    since: 3,
    outcomes: { sent: 12, failed: 0 },
    operators: [
      { operator: 'Orange', counts: { sent: 9 } },
      { operator: 'MTN', counts: { sent: 3 } },
    ],
    latency: { p95: 90, count: 2 },
    callbacks: { delivered: 3 },
  });
  expect(merged.errors.map(({ at }) => at)).toEqual([5, 4, 3]);
});
