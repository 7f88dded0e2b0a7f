// What an operator learns about SMS that are refused: by a counter, a log line and the list of `swob sms refused`.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { startPublisherStub } from '../../src/stubs/publisher.ts';
import { metric } from '../hostile/probes.ts';
import { type Messaging, msisdn, startMessaging } from '../support/messaging.ts';
import { ordinarySms } from '../support/ordinary-sms.ts';
import { get } from '../support/phone.ts';
import { encryptAsApp } from '../support/sms.ts';

interface Refused {
  readonly id: string;
  readonly reason: string;
  readonly times: number;
  readonly remedy: string;
  readonly msisdn: string;
}

async function listRefused({ gateway, folder }: Messaging, query = ''): Promise<Refused[]> {
  const token = readFileSync(join(folder, 'admin.token'), 'utf8').trim();
  const { text } = await get(`${gateway}/sms/refused${query}`, {
    headers: { authorization: `Bearer ${token}` },
  });
  return JSON.parse(text) as Refused[];
}

const refusals = ({ gateway }: Messaging, reason: string) =>
  metric(gateway, `swob_sms_refusals_total{reason="${reason}"}`);
const linesOf = ({ log }: Messaging) =>
  log.lines.filter(({ level, message }) => level === 'info' && message === 'an SMS is refused');

test('every refusal has a reason in a counter, in a log line without its sender, and in the list with a remedy', async () => {
  const services = await startMessaging({
    set: ['api.state=production', 'limits.sms=8/1m'],
    numbers: [['+237650393370', 'bob']],
  });
  const { sharedKey, post, clock } = services;
  const text = encryptAsApp(sharedKey, 'g:hello');
  const cases = [
    [{ text: 'see you at 8', MSISDN: msisdn }, 'not_base64'],
    [{ text, MSISDN: 'MTN' }, 'sender'],
    [{ text, MSISDN: '+237650393371' }, 'unknown_number'],
    [{ text, MSISDN: '+237650393370' }, 'not_paired'],
    [{ text: encryptAsApp('0'.repeat(32), 'g:hello'), MSISDN: msisdn }, 'wrong_key'],
  ] as const;
  for (const [body, reason] of cases) {
    clock.advance(1_000);
    expect((await post(body)).text).toBe('message cannot be published');
    expect([reason, await refusals(services, reason)]).toEqual([reason, 1]);
  }
  clock.advance(1_000);
  for (let time = 0; time < 2; time++) {
    expect((await post({ text, MSISDN: msisdn })).text).toBe('message published successfully');
  }
  expect(await refusals(services, 'duplicate')).toBe(1);
  clock.advance(1_000);
  await post({ text: 'once more', MSISDN: msisdn });
  expect((await post({ text: 'limited', MSISDN: msisdn })).status).toBe(429);

  const listed = await listRefused(services);
  expect(listed.map(({ reason }) => reason.replaceAll(' ', '_'))).toEqual([
    'not_base64',
    'duplicate',
    ...cases.map(([, reason]) => reason).reverse(),
  ]);
  for (const { remedy, times } of listed) expect([remedy.length > 10, times]).toEqual([true, 1]);
  expect(await listRefused(services, '?within=1500')).toHaveLength(2);
  expect(await listRefused(services, `?since=${clock.now() - 2_000}&limit=1`)).toMatchObject([
    { reason: 'not base64', msisdn },
  ]);

  const lines = linesOf(services);
  expect(lines).toHaveLength(7);
  const written = JSON.stringify(services.log.lines);
  for (const secret of [msisdn, '+237650393371', 'see you', text]) expect(written).not.toContain(secret);
  expect(lines[1]?.fields).toMatchObject({
    sender: 'MTN',
    detail: expect.stringMatching(/letters/) as string,
  });
  expect(lines[2]?.fields).toMatchObject({
    sender: '+2376…371',
    reason: expect.stringMatching(/unknown/) as string,
  });
});

test('a thousand ordinary SMS of a phone that forwards all are refused, counted, and not all logged', async () => {
  const relay = await startPublisherStub({ host: '127.0.0.1', port: 0 });
  onTestFinished(() => relay.close());
  const credentials = ['dev_api.auth_id=us', 'dev_api.auth_key=key'];
  const services = await startMessaging({
    set: ['limits.sms=off', `relay.url=${relay.url}`, ...credentials],
  });
  const texts = ordinarySms();
  for (let from = 0; from < texts.length; from += 50) {
    const responses = await Promise.all(
      texts.slice(from, from + 50).map((text) => services.post({ text, address: msisdn })),
    );
    expect(new Set(responses.map((each) => each.text))).toEqual(new Set(['message cannot be published']));
  }
  const counts = await Promise.all(['not_base64', 'test'].map((reason) => refusals(services, reason)));
  expect(counts.reduce((sum: number, count = 0) => sum + count, 0)).toBe(1_000);
  expect(relay.messages()).toEqual([]);
  expect(linesOf(services)).toHaveLength(10);
  expect(await listRefused(services, '?limit=1000')).toHaveLength(200);
  expect(await metric(services.gateway, 'swob_outbox_entries{kind="message",state="waiting"}')).toBe(0);
  expect((await services.send('g:paid')).text).toBe('message published successfully');
});
