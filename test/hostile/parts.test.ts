// docs/protocol.md, "Long SMS", R4: parts of long SMS at running gateways.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { startPublisherStub } from '../../src/stubs/publisher.ts';
import { type Messaging, type MessagingOptions, msisdn, startMessaging } from '../support/messaging.ts';
import { get, post } from '../support/phone.ts';
import { imageSegments, splitSms, versionedPayload, wrapped } from '../support/relay-payloads.ts';
import { encryptAsApp } from '../support/sms.ts';
import { metric } from './probes.ts';
import { expectService } from './sms-fixture.ts';

/** Without these, every SMS of the form of a paired phone's is relayed, too. */
const backEnd = ['dev_api.auth_id=us', 'dev_api.auth_key=key'];

async function startRelay() {
  const relay = await startPublisherStub({ host: '127.0.0.1', port: 0 });
  onTestFinished(() => relay.close());
  const start = ({ set = [], ...options }: MessagingOptions = {}) =>
    startMessaging({ ...options, set: [`relay.url=${relay.url}`, ...backEnd, 'limits.sms=off', ...set] });
  return { relay, start };
}

const payload = (length = 300) =>
  wrapped(versionedPayload(2, { ciphertext: Buffer.alloc(length, length.toString(36)) }).toString('base64'));
const forward = ({ gateway }: Messaging, text: string, address = msisdn) =>
  post(`${gateway}/v3/publish`, { text, address, date: 1_764_421_200_123, date_sent: 1_764_421_199_000 });

async function listFailed({ gateway, folder }: Messaging) {
  const token = readFileSync(join(folder, 'admin.token'), 'utf8').trim();
  const { text } = await get(`${gateway}/sms/failed`, { headers: { authorization: `Bearer ${token}` } });
  return JSON.parse(text) as { history: { event: string }[] }[];
}

test('parts out of order, one twice, and one ten minutes late after a restart are one message; segments of images stay as they are', async () => {
  const { relay, start } = await startRelay();
  const first = await start();
  const [a = '', b = '', c = ''] = splitSms(payload());
  expect((await forward(first, c)).status).toBe(202);
  for (let time = 0; time < 2; time++) expect((await forward(first, b)).status).toBe(202);
  const { folder, clock } = first;
  await first.stop();
  clock.advance(600_000);

  const services = await start({ folder, clock });
  expect((await forward(services, a)).status).toBe(200);
  expect(relay.messages()).toMatchObject([{ MSISDN: msisdn, message: a + b + c }]);
  expect((await forward(services, b)).status).toBe(202);

  const segments = imageSegments(Buffer.alloc(400, 'image').toString('base64'));
  for (const segment of segments) expect((await forward(services, segment)).status).toBe(200);
  expect(relay.messages().map(({ message }) => message)).toEqual([a + b + c, ...segments]);

  // An encrypted SMS of a paired user, by the route of 2022.
  const long = `g:to@example.org:::${'a long body '.repeat(12)}`;
  const parts = splitSms(encryptAsApp(services.sharedKey, long)).reverse();
  expect(parts.length).toBeGreaterThan(2);
  for (const text of parts) await services.post({ text, MSISDN: msisdn });
  expect(services.publisher.messages().map(({ message }) => message)).toEqual([long]);
  expect(await metric(services.gateway, 'swob_outbox_entries{kind="message",state="waiting"}')).toBe(0);
});

test('R4: parts that never complete are bounded, and listed as dead letters after an hour', async () => {
  const { relay, start } = await startRelay();
  const services = await start({ set: ['publisher.max_kept=400'] });
  const part = (n: number) => splitSms(payload(400 + n))[0] ?? '';
  const statuses = [];
  for (let n = 0; n < 34; n++) statuses.push((await forward(services, part(n))).status);
  expect(statuses).toEqual([...Array<number>(32).fill(202), 503, 503]);
  expect(await metric(services.gateway, 'swob_sms_refusals_total{reason="parts_limit"}')).toBe(2);
  for (let n = 0; n < 20; n++)
    statuses.push((await forward(services, part(n), `+2376503933${10 + n}`)).status);
  expect(statuses.filter((status) => status === 202)).toHaveLength(50);
  expect(relay.messages()).toEqual([]);

  services.clock.leap(3_600_000);
  await expect.poll(async () => (await listFailed(services)).length).toBe(50);
  const [dead] = await listFailed(services);
  expect(dead?.history.map(({ event }) => event).join()).toMatch(/incomplete: \d+ parts? of a longer SMS/);
  await expectService(services);
});
