// [disconnect] verify through the running service: what the response, the audit trail and the metrics say about a session.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import {
  type DisconnectService,
  requestDisconnect,
  startDisconnect,
  success,
  tokenWith,
} from '../support/disconnect.ts';
import { startNas } from '../support/nas.ts';
import { get, type TextResponse } from '../support/phone.ts';
import { readMetrics } from '../support/prometheus.ts';
import { freeUdpPort } from '../support/udp-ports.ts';

const query = 'pcrf.session_path=/account/session?session={session}&mac={mac}';
const token = tokenWith({ nasIp: '127.0.0.1' });

async function counted(service: DisconnectService, metric: string, label: string): Promise<number> {
  const { text } = await get(`${service.url}/metrics`);
  const series = readMetrics(text).filter(
    ({ name, labels }) => name === metric && Object.values(labels).includes(label),
  );
  return series.reduce((sum, { value }) => sum + value, 0);
}

/**
 * The response after the whole time of the verification. The clock is advanced only once the metric has counted what must be
 * over by then, because the calls before have timeouts of their own.
 */
async function lateResponse(
  service: DisconnectService,
  given: string,
  ...[metric, label, count]: [metric: string, label: string, count: number]
): Promise<TextResponse> {
  const before = await counted(service, metric, label);
  const response = requestDisconnect(service, given);
  let isOver = false;
  void response.finally(() => {
    isOver = true;
  });
  await vi.waitFor(async () =>
    expect(await counted(service, metric, label)).toBeGreaterThanOrEqual(before + count),
  );
  await vi.waitFor(
    () => {
      if (!isOver) service.clock.advance(500);
      expect(isOver).toBe(true);
    },
    { interval: 5 },
  );
  return response;
}

/** The disconnect and the first query after it. */
const queried = ['swob_pcrf_host_calls_total', 'answered', 2] as const;
/** The same with the query before it. */
const queriedBefore = ['swob_pcrf_host_calls_total', 'answered', 3] as const;

function expectStillThere({ status, text }: TextResponse): void {
  const fail = 'the disconnect was accepted, but the session is still there';
  expect([status, JSON.parse(text)]).toEqual([
    502,
    { success: false, fail, code: 'UPSTREAM', verified: 'present' },
  ]);
}

async function recordOf(service: DisconnectService) {
  const admin = readFileSync(join(service.folder, 'admin.token'), 'utf8').trim();
  const headers = { authorization: `Bearer ${admin}` };
  const { text } = await get(`${service.url}/disconnects?limit=1`, { headers });
  return JSON.parse(text).records[0];
}

async function verdicts(service: DisconnectService) {
  const { text } = await get(`${service.url}/metrics`);
  return readMetrics(text).flatMap(({ name, labels, value }) =>
    name === 'swob_disconnect_verifications_total' && value > 0 ? [[labels.verdict, value]] : [],
  );
}

test('by a query of the PCRF', async () => {
  const service = await startDisconnect({ set: ['disconnect.verify=pcrf', query] });
  expect((await requestDisconnect(service, token)).text).toBe('{"success":true,"verified":"gone"}');
  expect(await recordOf(service)).toMatchObject({ outcome: 'disconnected', verified: 'gone' });
  const asked = '/account/session?session=5692549928996307964&mac=FC-45-96-5F-50-AC';
  const called = service.pcrf
    .requests()
    .map(({ url }) => url.replace(/^\/account\/disconnect.*/, 'disconnect'));
  expect(called).toEqual([asked, 'disconnect', asked]);
  // Records are listed by their time.
  service.clock.advance(1);
  service.pcrf.setMode('ignore');
  const other = tokenWith({ nasIp: '127.0.0.1', sessionId: '7' });
  expect((await lateResponse(service, other, ...queried)).text).toBe('{"success":true,"verified":"present"}');
  expect(await recordOf(service)).toMatchObject({ outcome: 'disconnected', verified: 'present' });
  service.pcrf.setMode('refuse');
  expect((await requestDisconnect(service, token)).status).toBe(502);
  expect(await recordOf(service)).not.toHaveProperty('verified');
  expect(await verdicts(service)).toEqual([
    ['gone', 1],
    ['present', 1],
  ]);
});

test('a query that has never found a session does not say that one is gone', async () => {
  const path = 'pcrf.session_path=/wrong/path?{session}';
  const service = await startDisconnect({ set: ['disconnect.verify=pcrf', path] });
  expect((await requestDisconnect(service, token)).text).toBe('{"success":true,"verified":"unknown"}');
});

test('with verify_required a session that is still there is a failure', async () => {
  const set = [
    'disconnect.verify=pcrf',
    query,
    'disconnect.verify_required=on',
    'disconnect.verify_within=1s',
  ];
  const service = await startDisconnect({ set });
  service.pcrf.setMode('ignore');
  expectStillThere(await lateResponse(service, token, ...queriedBefore));
  expect(await recordOf(service)).toMatchObject({ outcome: 'rejected', verified: 'present' });
});

test('without verify the response is what it always was', async () => {
  const service = await startDisconnect();
  expect((await requestDisconnect(service, token)).text).toBe(success);
  expect(service.calls()).toBe(1);
  expect(await recordOf(service)).not.toHaveProperty('verified');
});

async function startWithAccounting(backend: 'both' | 'pcrf', ...set: string[]) {
  const port = await freeUdpPort();
  const nas = await startNas({ accounting: { address: '127.0.0.1', port } });
  const verify = ['disconnect.verify=accounting', `disconnect.accounting_port=${port}`];
  const service = await startDisconnect({
    set: [...nas.set, ...verify, `disconnect.backend=${backend}`, ...set],
  });
  return { service, nas: nas.stub };
}

test('by the accounting of the NAS', async () => {
  const { service, nas } = await startWithAccounting('both', 'disconnect.verify_required=on');
  const gone = await requestDisconnect(service, token);
  expect(gone.text).toBe('{"success":true,"verified":"gone"}');
  nas.setMode('ignore');
  const other = tokenWith({ nasIp: '127.0.0.1', sessionId: '7' });
  const updates = ['swob_radius_accounting_packets_total', 'interim', 1] as const;
  expectStillThere(await lateResponse(service, other, ...updates));
  // More when the NAS sends it again.
  expect(await counted(service, 'swob_radius_accounting_packets_total', 'stop')).toBeGreaterThan(0);
});

test('by accounting where the PCRF ends sessions: nothing comes, so that nothing is known', async () => {
  const { service } = await startWithAccounting('pcrf');
  const response = await lateResponse(service, token, 'swob_disconnect_backend_calls_total', 'done', 1);
  expect(response.text).toBe('{"success":true,"verified":"unknown"}');
});
