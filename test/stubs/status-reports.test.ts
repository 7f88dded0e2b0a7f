// The reports of the stub phone when it stops.

import { expect, test } from 'vitest';
import { postReport } from '../../src/stubs/status-reports.ts';
import { createFakeClock } from '../support/fake-clock.ts';

test('a report that has not begun when the phone stops leaves no timer behind', async () => {
  const clock = createFakeClock();
  const reason = new Error('stopped');
  const target = { url: 'http://127.0.0.1:1', token: undefined, clock, signal: AbortSignal.abort(reason) };
  const report = { type: 'SMS_TYPE_STATUS', status: 'sent', sid: '1', id: '1' } as const;
  await expect(postReport(target, report)).rejects.toBe(reason);
  expect(clock.pending).toBe(0);
});
