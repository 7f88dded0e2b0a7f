// `swob sms refused`: the recently refused SMS, with reasons and remedies.

import { expect, test } from 'vitest';
import { msisdn } from '../../../support/messaging.ts';
import { startMessagingCli } from './gateway.ts';

test('lists refused SMS, newest first, with what to do about each reason, since a time and up to a number', async () => {
  const { swob, post, clock } = await startMessagingCli();
  const refused = async (...words: string[]) => swob(['sms', 'refused', ...words]);
  expect(await refused()).toMatchObject({ exit: 0, out: '', err: 'no SMS was refused recently\n' });

  const bodies = [
    { text: 'hello there', MSISDN: msisdn },
    { text: 'your code is 12', MSISDN: 'not a number' },
  ];
  for (const body of bodies) {
    await post(body);
    clock.advance(600_000);
  }
  const { exit, out, err } = await refused();
  expect(exit).toBe(0);
  const [header, first, second] = out.split('\n');
  expect(header).toMatch(/^ID +SENDER +LAST +TIMES +REASON +WHY$/);
  expect(first).toMatch(/^[0-9a-f]{32} +not a number .* 1 +sender +its sender is not a phone number$/);
  expect(second).toMatch(/not base64/);
  expect(err).toMatch(/^sender: .*\nnot base64: nothing, if it is an ordinary SMS.*\n$/);

  const reasons = async (...words: string[]) => {
    const { out } = await refused('--json', ...words);
    return (JSON.parse(out) as { reason: string }[]).map(({ reason }) => reason);
  };
  expect(await reasons('--since', '15m')).toEqual(['sender']);
  expect(await reasons('--since', new Date(clock.now() - 1_300_000).toISOString())).toHaveLength(2);
  expect(await reasons('--limit', '1')).toEqual(['sender']);
  for (const wrong of [
    ['--since', 'yesterday'],
    ['--limit', '0'],
    ['--limit', '1001'],
  ]) {
    expect((await refused(...wrong)).exit).toBe(64);
  }
});
