// The record of refused SMS: what the log shows of a sender, and how much of a flood.

import { expect, test } from 'vitest';
import { createRefusalRecorder, shortenSender } from '../../../src/domain/inbound/refusals.ts';
import { createRefusedSmsLog } from '../../../src/domain/inbound/refused-sms.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { createMemoryLog } from '../../support/log.ts';

test.for([
  ['+237650393369', '+2376…369'],
  ['650393369', '65039…369'],
  ['8787', '87…'],
  ['MTN', 'MTN'],
  ['Orange Info', 'Orange Info'],
  ['A\u001b[31mB', 'A\u2026'],
  ['x'.repeat(10_000), 'xxxxx…xxx'],
  ['', '…'],
])('%j is shown as %s', ([sender, shown]) => {
  expect(shortenSender(sender ?? '')).toBe(shown);
});

test('of each reason ten a minute are logged at info, and the next line says how many were not; all are counted', () => {
  const clock = createFakeClock();
  const log = createMemoryLog();
  const refused = createRefusedSmsLog(clock);
  const record = createRefusalRecorder(refused, clock);
  const sms = { platform: 'v3', msisdn: '+237650393369' };
  for (let n = 0; n < 1_000; n++) record(`id ${n}`, sms, 'not base64', log);
  record('other', sms, 'sender', log, 'it is a short code');
  const lines = () => log.lines.filter(({ level }) => level === 'info');
  expect(lines()).toHaveLength(11);
  expect(lines().at(-1)).toMatchObject({ fields: { sender: '+2376…369', detail: 'it is a short code' } });
  expect(refused.list(1_000).map(({ reason }) => reason)).toEqual([
    ...Array<string>(200).fill('not base64'),
    'sender',
  ]);

  clock.advance(60_000);
  record('later', sms, 'not base64', log);
  expect(lines().at(-1)).toMatchObject({ fields: { id: 'later', refusedSince: 990 } });
  expect(refused.list(9, clock.now()).map(({ id }) => id)).toEqual(['later']);
});
