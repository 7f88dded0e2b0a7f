// /metrics of all services read by a strict parser, after successful and failed requests.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createHistogram } from '../../src/metrics/histogram.ts';
import { registerProcessMetrics } from '../../src/metrics/process.ts';
import { createMetricsRegistry } from '../../src/metrics/registry.ts';
import { createRequestMeter } from '../../src/metrics/requests.ts';
import { publicPem } from '../crypto/token-builder.ts';
import { temporaryFolder } from '../support/folders.ts';
import { startMessaging } from '../support/messaging.ts';
import { get, post } from '../support/phone.ts';
import { readMetrics, type Series } from '../support/prometheus.ts';
import { openSocket } from '../support/socket.ts';

const overHttp = (url: string): string => url.replace(/^ws/, 'http');

async function startAll() {
  const keyFile = join(temporaryFolder(), 'public.pem');
  writeFileSync(keyFile, publicPem);
  return startMessaging({
    names: ['gateway', 'sync', 'disconnect'],
    set: [`validation.public_key=${keyFile}`, 'limits.pings=2/15m'],
  });
}

test('the metrics of all services are well formed, and count every response with its duration', async () => {
  const { gateway, sync, disconnect, post: postSms, send } = await startAll();
  const ping = { IMSI: 'a', MSISDN: 'b', seed_type: 'seed' };
  for (const body of [ping, ping, ping, {}, '{']) await post(`${gateway}/seeds/ping`, body);
  for (const path of ['/seeds', '/seeds/a', '/nowhere', '/sms/failed', '/docs/json', '/%'])
    await get(`${gateway}${path}`);
  await get(`${gateway}/seeds`, { method: 'DELETE' });
  await get(`${gateway}/seeds`, { method: 'OPTIONS', headers: { origin: 'http://a' } });
  await send('a:b:c');
  await postSms({ text: 'x' });
  for (const path of ['/', '/disconnect', '/disconnect?token=a.b.c']) await get(`${disconnect}${path}`);
  await (await openSocket(`${sync}/v2/sync/init/u/s`)).next();
  await expect(openSocket(`${sync}/elsewhere`)).rejects.toThrow('404');
  await get(overHttp(sync));

  for (const url of [gateway, overHttp(sync), disconnect]) {
    const { text } = await get(`${url}/metrics`);
    const series = readMetrics(text);
    const named = (name: string) => series.filter((each) => each.name === name);
    const key = ({ labels: { service, method, route, status } }: Series) =>
      [service, method, route, status].join(' ');
    const requests = new Map(named('swob_http_requests_total').map((each) => [key(each), each.value]));
    const latencies = new Map(
      named('swob_http_request_duration_seconds_count').map((each) => [key(each), each.value]),
    );
    expect(latencies).toEqual(requests);
    expect(requests.get('gateway POST /seeds/ping 2xx')).toBe(2);
    expect(requests.get('gateway POST /seeds/ping 4xx')).toBe(3);
    expect(requests.get('gateway GET none 4xx')).toBeGreaterThan(0);
    expect(requests.get('sync GET /v2/sync/init 1xx')).toBe(1);
    expect(requests.get('sync GET none 4xx')).toBeGreaterThan(0);
    expect(requests.get('disconnect GET /disconnect 4xx')).toBe(2);
  }
});

async function page(): Promise<string> {
  const registry = createMetricsRegistry();
  registerProcessMetrics(registry, '1.2.3');
  createRequestMeter(registry)('gateway')({ method: 'GET', route: '/seeds', status: 200, ms: 3 });
  return (await registry.text()).text;
}

describe('the strict parser', () => {
  test.each([
    [
      'a duplicate series',
      (text: string) =>
        `${text}# HELP a_total A.\n# TYPE a_total counter\na_total{x="1",y="2"} 1\na_total{y="2",x="1"} 1\n`,
    ],
    ['a duplicate family', (text: string) => `${text}${text}`],
    ['an unterminated line', (text: string) => text.slice(0, -1)],
    ['a line without a family', (text: string) => `${text}swob_strange 1\n`],
    ['a line apart from its family', (text: string) => `${text}swob_build_info{version="x",node="y"} 1\n`],
    ['a value that is not a number', (text: string) => text.replace(/ \d+\n/, ' one\n')],
    ['a quotation mark in a label', (text: string) => text.replace('version="', 'version=""')],
    ['a histogram without its count', (text: string) => text.replace(/^\S+_duration_seconds_count.*\n/m, '')],
    ['a decreasing bucket', (text: string) => text.replace(/le="10",(.*)\} \d+/, 'le="10",$1} 99')],
  ])('rejects %s', async (_what, corrupt) => {
    const text = await page();
    expect(readMetrics(text).length).toBeGreaterThan(10);
    expect(corrupt(text)).not.toBe(text);
    expect(() => readMetrics(corrupt(text))).toThrow();
  });
});

test('a histogram has each series once and loses no observation, whatever its labels', () => {
  const observations = fc.array(
    fc.record({
      labels: fc.tuple(fc.string(), fc.string()),
      value: fc.float({ min: 0, noNaN: true, noDefaultInfinity: true }),
    }),
  );
  fc.assert(
    fc.property(observations, (list) => {
      const histogram = createHistogram('h', 'Help.', ['a', 'b'], [0.1, 1]);
      for (const { labels, value } of list) histogram.of(...labels)(value);
      const series = readMetrics(histogram.text());
      const counted = series.filter(({ name }) => name === 'h_count').map(({ value }) => value);
      expect(counted.reduce((sum, value) => sum + value, 0)).toBe(list.length);
      expect(counted).toHaveLength(new Set(list.map(({ labels }) => JSON.stringify(labels))).size);
    }),
  );
});
