// The disconnect service with two PCRFs, one of which is down: the response, readiness, the audit trail and metrics.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startPcrfStub } from '../../src/stubs/pcrf.ts';
import {
  expectFailure,
  requestDisconnect,
  startDisconnect,
  success,
  tokenWith,
} from '../support/disconnect.ts';
import { get } from '../support/phone.ts';
import { readMetrics } from '../support/prometheus.ts';
import { onEnd } from '../support/teardown.ts';

test('the second PCRF answers, and everything that shows it says so', async () => {
  const other = await startPcrfStub({ host: '127.0.0.1', port: 0 });
  onEnd(() => other.close());
  const { host: second } = new URL(other.url);
  // The first of the list is the stub of the service, at `[pcrf] port`.
  const service = await startDisconnect({ set: [`pcrf.host=127.0.0.1, ${second}`] });
  const first = service.pcrfName.replace(/.*:/, '127.0.0.1:');
  await service.pcrf.close();
  expect((await requestDisconnect(service, tokenWith())).text).toBe(success);

  const { status, text } = await get(`${service.url}/readyz`);
  const ok = expect.objectContaining({ ok: true });
  expect([status, JSON.parse(text)]).toMatchObject([
    200,
    {
      state: 'degraded',
      checks: { pcrf: ok, [`pcrf ${first}`]: { reason: 'unreachable' }, [`pcrf ${second}`]: ok },
    },
  ]);

  const admin = readFileSync(join(service.folder, 'admin.token'), 'utf8').trim();
  const headers = { authorization: `Bearer ${admin}` };
  const audit = await get(`${service.url}/disconnects`, { headers });
  const report = {
    host: second,
    attempts: 1,
    failedHosts: [`the PCRF at ${first} is unreachable (ECONNREFUSED)`],
  };
  expect(JSON.parse(audit.text).records[0].reports[0]).toMatchObject(report);

  const metrics = readMetrics((await get(`${service.url}/metrics`)).text);
  const up = metrics.filter(({ name }) => name === 'swob_pcrf_host_up');
  expect(up.map(({ labels, value }) => [labels.host, value])).toEqual([
    [first, 0],
    [second, 1],
  ]);

  await other.close();
  const reasons = [second, first].map((each) => `the PCRF at ${each} is unreachable (ECONNREFUSED)`);
  expectFailure(await requestDisconnect(service, tokenWith({ sessionId: '2' })), 502, reasons.join('; '));
  service.clock.advance(1_000);
  expect((await get(`${service.url}/readyz`)).status).toBe(503);
});
