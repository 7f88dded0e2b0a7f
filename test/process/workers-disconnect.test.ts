// The disconnect service in two worker processes: one reads a packet of the NAS for a disconnect of the other, equal requests run once, and
// there is one audit trail.

import { expect, test, vi } from 'vitest';
import { startPcrfStub } from '../../src/stubs/pcrf.ts';
import { runSwob } from '../support/binary.ts';
import { startNas } from '../support/nas.ts';
import { onEnd } from '../support/teardown.ts';
import { freeUdpPort } from '../support/udp-ports.ts';
import { startWorkers } from '../support/workers.ts';
import { call, makeKeys } from './disconnect-service.ts';

test('disconnects are verified, coalesced and recorded over both workers', async () => {
  const pcrf = await startPcrfStub({ host: '127.0.0.1', port: 0 });
  onEnd(() => pcrf.close());
  const accounting = await freeUdpPort();
  const nas = await startNas({ accounting: { address: '127.0.0.1', port: accounting } });
  const keys = await makeKeys();
  const { hostname, port } = new URL(pcrf.url);
  const set = [
    'disconnect.host=127.0.0.1',
    'disconnect.port=0',
    `pcrf.host=${hostname}`,
    `pcrf.port=${port}`,
    `validation.public_key=${keys.publicFile}`,
    ...nas.set,
    'disconnect.backend=both',
    'disconnect.verify=accounting',
    `disconnect.accounting_port=${accounting}`,
    'disconnect.verify_within=30s',
    'logging.level=debug',
  ].flatMap((setting) => ['--set', setting]);
  const swob = await startWorkers<{ disconnect: { url: string } }>(['disconnect', ...set], {
    cwd: keys.folder,
  });
  const { url } = swob.ready.disconnect;

  const tokens = Array.from({ length: 8 }, (_, n) => keys.token({ nasIp: '127.0.0.1', sessionId: `S${n}` }));
  const outcomes = await Promise.all(tokens.map((token) => call(url, token)));
  expect(outcomes).toEqual(tokens.map(() => '200 {"success":true,"verified":"gone"}'));
  await vi.waitFor(() => {
    const workers = swob.lines().flatMap(({ route, worker }) => (route === '/disconnect' ? [worker] : []));
    expect(new Set(workers)).toEqual(new Set([1, 2]));
  });

  // Long enough for all requests to come before the first is answered.
  pcrf.setMode('slow', { ms: 1_000 });
  const before = pcrf.requests().length;
  const equal = keys.token({ nasIp: '127.0.0.1', sessionId: 'equal' });
  const same = await Promise.all(Array.from({ length: 6 }, () => call(url, equal)));
  expect(new Set(same)).toEqual(new Set(['200 {"success":true,"verified":"gone"}']));
  const calls = pcrf.requests().length - before;
  expect(calls).toBeGreaterThan(0);
  expect(calls).toBeLessThan(6);

  const { stdout } = await runSwob(['disconnects', 'list', '--url', url, '--json', '--limit', '50'], {
    cwd: keys.folder,
  });
  for (const n of tokens.keys()) expect(stdout).toContain(`S${n}`);
  expect(swob.lines().filter(({ level }) => level >= 40)).toEqual([]);
});
