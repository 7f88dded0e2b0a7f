// The audit trail through the running service: what is recorded of each request, who may read it, and how it is listed.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createCli } from '../cli/harness.ts';
import {
  type DisconnectService,
  goodToken,
  requestDisconnect,
  secretsOf,
  startDisconnect,
  success,
  tokenWith,
} from '../support/disconnect.ts';
import { get } from '../support/phone.ts';

const adminToken = ({ folder }: DisconnectService) =>
  readFileSync(join(folder, 'admin.token'), 'utf8').trim();

async function read(service: DisconnectService, path: string, token = adminToken(service)) {
  const { status, text } = await get(`${service.url}${path}`, {
    headers: { authorization: `Bearer ${token}` },
  });
  const body: unknown = JSON.parse(text);
  return { status, text, body };
}

async function swob(service: DisconnectService, ...words: string[]) {
  const cli = createCli({ clock: service.clock, env: {} });
  const exit = await cli.swob(
    '-c',
    join(service.folder, 'conf.ini'),
    ...['--set', `security.admin_token_filepath=${join(service.folder, 'admin.token')}`],
    ...words,
    ...['--url', service.url],
  );
  return { exit, out: cli.out.text, err: cli.err.text };
}

test('every request is recorded, refused ones too, and never the token', async () => {
  const service = await startDisconnect();
  const refusedToken = tokenWith({ exp: 1 });
  const headers = { 'x-request-id': 'from-portal' };
  expect((await requestDisconnect(service, goodToken, { headers })).text).toBe(success);
  service.clock.advance(1_000);
  service.pcrf.setMode('refuse', { count: 1 });
  await requestDisconnect(service, tokenWith({ sessionId: '7', clientMac: '02:00:00:00:00:01' }));
  service.clock.advance(1_000);
  await requestDisconnect(service, refusedToken);
  service.clock.advance(1_000);
  await get(`${service.url}/disconnect`);

  await expect
    .poll(async () => (await read(service, '/disconnects')).body)
    .toMatchObject({
      records: [
        { outcome: 'malformed', reason: 'no token', address: '127.0.0.1', reports: [] },
        { outcome: 'refused', reason: expect.stringContaining('token refused: expired'), reports: [] },
        {
          outcome: 'rejected',
          sessionId: '7',
          mac: '02-00-00-00-00-01',
          reason: expect.stringContaining('the PCRF at '),
          reports: [{ backend: 'pcrf', kind: 'rejected', attempts: 1 }],
        },
        {
          outcome: 'disconnected',
          requestId: 'from-portal',
          user: 'user',
          sessionId: '5692549928996307964',
          nasIp: '100.112.0.1',
          vrf: '1',
          mac: 'FC-45-96-5F-50-AC',
          reports: [{ backend: 'pcrf', kind: 'disconnected', attempts: 1 }],
        },
      ],
    });
  const { text } = await read(service, '/disconnects');
  for (const secret of [goodToken, refusedToken].flatMap(secretsOf)) expect(text).not.toContain(secret);
  const metrics = (await get(`${service.url}/metrics`)).text;
  expect(metrics).toContain('swob_disconnect_records_total{outcome="stored"} 4');
});

test('only the admin token may read, and a query is validated', async () => {
  const service = await startDisconnect();
  await requestDisconnect(service, goodToken);
  for (const token of ['', 'wrong', goodToken]) {
    expect((await read(service, '/disconnects', token)).status).toBe(401);
    expect((await read(service, '/disconnects/000000000000000000000', token)).status).toBe(401);
  }
  for (const query of ['mac=x', 'limit=x', 'outcome=x', 'before=x', 'since=x', 'session=']) {
    expect((await read(service, `/disconnects?${query}`)).status, query).toBe(400);
  }
  expect((await read(service, '/disconnects/000000000000000000000')).status).toBe(404);
});

test('swob disconnects list and show find a device by its MAC address in any spelling', async () => {
  const service = await startDisconnect();
  const empty = await swob(service, 'disconnects', 'list');
  expect(empty).toMatchObject({ exit: 0, out: '', err: 'no requests yet\n' });
  const unmatched = await swob(service, 'disconnects', 'list', '--user', 'nobody');
  expect(unmatched).toMatchObject({ exit: 0, out: '', err: 'no request matches\n' });
  for (const n of [1, 2, 3]) {
    await requestDisconnect(
      service,
      tokenWith({ sessionId: String(n), clientMac: `02-00-00-00-00-0${n % 2}` }),
    );
    service.clock.advance(60_000);
  }
  const { out } = await swob(
    service,
    'disconnects',
    'list',
    '--mac',
    '0200.0000.0001',
    '--limit',
    '1',
    '--json',
  );
  const record: unknown = JSON.parse(out);
  expect(record).toMatchObject({ sessionId: '3', mac: '02-00-00-00-00-01', outcome: 'disconnected' });
  const list = await swob(service, 'disconnects', 'list');
  expect(list.out.split('\n')).toHaveLength(5);
  expect(list.out).toMatch(/^ID +TIME +OUTCOME +USER +MAC +SESSION +NAS +CLIENT +WHY\n/);
  const lines = async (...words: string[]) =>
    (await swob(service, 'disconnects', 'list', '--json', ...words)).out.trim().split('\n').length;
  expect(await lines('--since', '150s')).toBe(2);
  expect(await lines('--session', '2')).toBe(1);
  expect(await lines('--user', 'user', '--outcome', 'disconnected')).toBe(3);
  const id = /^(\d{13}[0-9a-f]{8})/m.exec(list.out)?.[1] ?? '';
  const shown = await swob(service, 'disconnects', 'show', id);
  expect(shown.out).toContain('sessionId: 3\n');
  expect(shown.out).toMatch(/^pcrf: disconnected; 1 attempt, \d+ ms$/m);
  for (const [wrong, exit, reason] of [
    ['000000000000000000000', 1, '404: no audited request 000000000000000000000'],
    ['x', 65, '400: id is not well formed'],
  ] as const) {
    const refused = await swob(service, 'disconnects', 'show', wrong);
    expect(refused).toMatchObject({ exit, err: `swob: the disconnect service responded with ${reason}\n` });
  }
  for (const wrong of [
    ['--mac', 'x'],
    ['--limit', '0'],
    ['--since', 'yesterday'],
    ['--outcome', 'x'],
  ]) {
    expect((await swob(service, 'disconnects', 'list', ...wrong)).exit).toBe(64);
  }
});
