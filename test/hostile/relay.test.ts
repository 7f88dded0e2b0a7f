// docs/protocol.md, "Publishing": relaying by a running gateway, with floods of strangers and the same payload by every route.

import { beforeEach, expect, test } from 'vitest';
import { startPublisherStub } from '../../src/stubs/publisher.ts';
import { type MessagingOptions, msisdn, startMessaging } from '../support/messaging.ts';
import { ordinarySms } from '../support/ordinary-sms.ts';
import { post } from '../support/phone.ts';
import { readMetrics } from '../support/prometheus.ts';
import { versionedPayload } from '../support/relay-payloads.ts';
import { encryptAsApp } from '../support/sms.ts';
import { onEnd, sharedByFile } from '../support/teardown.ts';
import { message, notPublished, statusAndText } from './sms-fixture.ts';

const payload = () => versionedPayload(1).toString('base64');
const numberOf = (n: number) => `+2376500${String(n).padStart(5, '0')}`;
const published = [200, 'message published successfully'];

async function startRelay({ set = [], ...options }: MessagingOptions = {}) {
  const relay = await startPublisherStub({ host: '127.0.0.1', port: 0, tag: 'a tag' });
  onEnd(() => relay.close());
  const services = await startMessaging({
    ...options,
    set: [`relay.url=${relay.url}/`, 'relay.tag=a tag', 'api.trusted_proxies=loopback', ...set],
  });
  return { ...services, relay };
}

const shared = sharedByFile(() => startRelay());
beforeEach(async () => void (await fetch(`${shared().relay.url}/__messages`, { method: 'DELETE' })));

test('R3: the same payload by every route concurrently is relayed once, unchanged, with the tag', async () => {
  const { gateway, relay, post: submit } = shared();
  const text = payload();
  const bodies: [string, object][] = [
    ['/sms/platform/gateway-client', { text, MSISDN: msisdn }],
    ['/v3/publish', { text: `${text}\n`, address: msisdn, date: 1, date_sent: '1' }],
    ['/v1/publications', { text, address: msisdn, tag: 'a tag' }],
  ];
  const responses = await Promise.all(
    Array.from({ length: 9 }, (_, n) => {
      const [path, body] = bodies[n % 3] ?? ['', {}];
      return post(`${gateway}${path}`, body);
    }),
  );
  expect(responses.map(({ status }) => status)).toEqual(Array(9).fill(200));
  expect(new Set(responses.map(({ headers }) => headers.get('x-message-id'))).size).toBe(1);
  expect(relay.messages()).toMatchObject([{ MSISDN: msisdn, message: text, publication: true }]);
  expect(statusAndText(await submit({ text: 'Your balance is 50 XAF.', MSISDN: msisdn }))).toEqual(
    notPublished,
  );
  expect(relay.messages()).toHaveLength(1);
});

test('of a phone that forwards all SMS, no ordinary one is relayed', async () => {
  const { relay, post: submit } = shared();
  // All templates; the tests of refused SMS submit all thousand, without a relay.
  const some = ordinarySms().filter((_, n) => n % 9 === 0);
  const responses = await Promise.all(some.map((text) => submit({ text, MSISDN: msisdn })));
  const texts = new Set(responses.map(({ status, text }) => `${status} ${text}`));
  expect([...texts]).toEqual([notPublished.join(' ')]);
  expect(relay.messages()).toEqual([]);
});

test('R5: a publication whose tag is wrong, empty, repeated or in another case is refused', async () => {
  const { gateway, relay } = shared();
  const body = { address: msisdn, text: payload() };
  const repeated = `${JSON.stringify({ ...body, tag: 'another' }).slice(0, -1)},"tag":"a tag"}`;
  const bodies = [body, ...['', 'A tag', 'a tag ', ['a tag']].map((tag) => ({ ...body, tag })), repeated];
  for (const each of bodies) {
    const { status } = await post(`${gateway}/v1/publications`, each);
    expect([each, status]).toEqual([each, 403]);
  }
  expect(relay.messages()).toEqual([]);
  expect((await post(`${gateway}/v1/publications`, { ...body, tag: 'a tag' })).status).toBe(200);
});

test('R2: a flood of payloads while the Publisher is away fills a bounded part, and users are not affected', async () => {
  const services = await startRelay({
    set: [
      'dev_api.auth_id=us',
      'dev_api.auth_key=key',
      'publisher.max_kept=40',
      'publisher.answer_within=5s',
      'limits.sms=off',
    ],
  });
  services.relay.setMode('refuse');
  const flood = (count: number, from: (n: number) => string, sender: (n: number) => string) =>
    Promise.all(
      Array.from({ length: count }, (_, n) =>
        services.post({ text: payload(), MSISDN: sender(n) }, { 'x-forwarded-for': from(n) }),
      ),
    );
  // Of one client.
  const one = await flood(100, () => '192.0.2.1', numberOf);
  expect(one.filter(({ status }) => status === 202)).toHaveLength(10);
  const refused = one.filter(({ status }) => status === 503);
  expect(refused).toHaveLength(90);
  for (const { headers } of refused) expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
  // Another client is served meanwhile, and a user's message needs no room.
  expect(
    (
      await flood(
        1,
        () => '192.0.2.2',
        () => numberOf(999),
      )
    )[0]?.status,
  ).toBe(202);
  expect(statusAndText(await services.send(message))).toEqual(published);
  // Of many clients: the oldest of them are evicted, and a user's messages are kept.
  services.publisher.setMode('refuse');
  const texts = Array.from({ length: 20 }, (_, n) => `${message} ${n}`);
  for (const text of texts) expect((await services.send(text)).status).toBe(202);
  await flood(
    60,
    (n) => `198.51.100.${n}`,
    (n) => numberOf(1_000 + n),
  );
  for (const text of texts) expect((await services.send(text)).status).toBe(202);
  const metrics = readMetrics(await (await fetch(`${services.gateway}/metrics`)).text());
  const value = (name: string, label?: string) =>
    metrics.find((each) => each.name === name && (!label || Object.values(each.labels).includes(label)))
      ?.value;
  expect(value('swob_outbox_relayed')).toBe(0);
  expect(value('swob_relayed_sms_total', 'refused')).toBeGreaterThanOrEqual(90);
  expect(value('swob_relayed_sms_total', 'evicted')).toBeGreaterThan(30);
  expect(value('swob_outbox_entries', 'waiting')).toBe(40);
});

test('without [dev_api] credentials every payload is relayed, and no other system is asked or checked', async () => {
  const services = shared();
  const text = encryptAsApp('f'.repeat(32), message);
  const { status } = await services.post({ text, MSISDN: msisdn });
  // The RelaySMS Publisher does not know the format, and says so.
  expect(status).toBe(202);
  expect(statusAndText(await services.post({ text: payload(), MSISDN: msisdn }))).toEqual(published);
  expect(services.publisher.messages()).toEqual([]);
  const ready: unknown = await (await fetch(`${services.gateway}/readyz`)).json();
  expect(ready).toMatchObject({ state: 'ready', checks: { relay: { ok: true } } });
  expect(ready).not.toMatchObject({ checks: { backend: {} } });
});
