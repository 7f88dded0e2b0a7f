// The routes of the Disconnects view: search in the audit trail, one record as a timeline, a token judged and used by hand.

import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import type { DisconnectsActionResult, DisconnectsData } from '../../src/console/views/disconnects.ts';
import { asScript, ownPage, postJson, signIn } from '../support/console.ts';
import { startWifiServices } from '../support/console-disconnects.ts';
import { goodToken, requestDisconnect, secretsOf, tokenWith } from '../support/disconnect.ts';
import { type Services, startTestServices } from '../support/services.ts';
import { sharedByFile } from '../support/teardown.ts';

const services = sharedByFile(() => startWifiServices(['limits.disconnects=6/1h']));

async function read(of: Services, query: Readonly<Record<string, string>> = {}): Promise<DisconnectsData> {
  const url = `${of.gateway}/console/api/disconnects?${new URLSearchParams(query)}`;
  const response = await fetch(url, { headers: asScript(of) });
  expect(response.status).toBe(200);
  return (await response.json()) as DisconnectsData;
}

async function act(of: Services, action: string, token: string): Promise<DisconnectsActionResult> {
  const url = `${of.gateway}/console/api/disconnects/${action}`;
  const { status, body } = await postJson(url, { token }, asScript(of));
  expect(status).toBe(200);
  return body as DisconnectsActionResult;
}

const portal = (token: string) => requestDisconnect({ url: services().disconnect }, token);

test('finds what happened to a MAC address in any spelling, a user, a session and a NAS', async () => {
  const { pcrf, clock } = services();
  await portal(tokenWith({ clientMac: '02-00-00-00-00-01', sub: 'alice', sessionId: '7' }));
  clock.advance(1_000);
  pcrf.setMode('refuse', { count: 1 });
  await portal(tokenWith({ clientMac: '02-00-00-00-00-02', sub: 'bob', sessionId: '8', nasIp: '192.0.2.8' }));
  const users = async (query: Readonly<Record<string, string>>) =>
    (await read(services(), query)).records.map(({ user }) => user);
  expect(await users({ text: '0200.0000.0001' })).toEqual(['alice']);
  for (const text of ['Bob', '8', '192.0.2.8'])
    expect([text, await users({ text })]).toEqual([text, ['bob']]);
  expect(await users({ text: 'nobody' })).toEqual([]);
  expect(await users({ outcome: 'rejected' })).toEqual(['bob']);
  expect(await users({ from: String(clock.now()) })).toEqual(['bob']);

  const [row] = (await read(services(), { text: 'bob' })).records;
  const { selected, report } = await read(services(), { id: row?.id ?? '' });
  expect(selected?.steps.map(({ event }) => event)).toEqual([
    'requested by 127.0.0.1',
    'the token was valid',
    'the PCRF did not end the session: rejected',
    expect.stringMatching(/^answered: rejected, after \d+ ms$/),
  ]);
  expect(selected?.remedy).toContain('log of the PCRF');
  expect(report).toMatchObject({
    outcomes: [
      { outcome: 'disconnected', count: 1 },
      { outcome: 'rejected', count: 1 },
    ],
    backends: [{ backend: 'pcrf', ended: 1, failed: 1, latency: { count: 2 } }],
    errors: [{ outcome: 'rejected', mac: '02-00-00-00-00-02' }],
  });
  expect((await read(services(), { id: '0'.repeat(21) })).selected).toBeNull();
});

test('judges a token, and logs its user out, which is audited; the token is kept nowhere', async () => {
  const { pcrf, log } = services();
  const calls = pcrf.requests().length;
  expect(await act(services(), 'explain', `${goodToken}\n`)).toMatchObject({
    kind: 'explained',
    valid: true,
    calls: [expect.stringMatching(/^pcrf: GET http:\/\/127\.0\.0\.1:.*mac=FC-45-96-5F-50-AC/)],
  });
  const expired = tokenWith({ exp: 1 });
  expect(await act(services(), 'explain', expired)).toMatchObject({ kind: 'explained', valid: false });
  expect(pcrf.requests()).toHaveLength(calls);

  const done = await act(services(), 'log-out', goodToken);
  expect(done).toMatchObject({ kind: 'done', outcome: 'disconnected' });
  expect(pcrf.requests()).toHaveLength(calls + 1);
  const request = done.kind === 'done' ? done.request : '';
  const [row] = (await read(services(), { text: request })).records;
  expect((await read(services(), { id: row?.id ?? '' })).selected?.steps[0]?.event).toBe(
    'requested in the console',
  );
  expect(await act(services(), 'log-out', expired)).toMatchObject({
    kind: 'refused',
    reason: expect.stringContaining('expired'),
  });
  const shown = inspect([log.lines, await read(services())], { depth: null, maxStringLength: null });
  for (const secret of [goodToken, expired].flatMap(secretsOf)) expect(shown).not.toContain(secret);
  expect(log.lines.map(({ fields }) => fields)).toContainEqual(
    expect.objectContaining({ action: 'log-out', operator: 'token', result: 'done' }),
  );
});

test('actions need a session, the own page, a token, and are limited', async () => {
  const url = `${services().gateway}/console/api/disconnects/log-out`;
  const cookie = await signIn(services());
  expect((await postJson(url, { token: goodToken })).status).toBe(401);
  const elsewhere = { cookie, 'sec-fetch-site': 'cross-site' };
  expect((await postJson(url, { token: goodToken }, elsewhere)).status).toBe(403);
  for (const body of [{}, { token: '' }, { token: 'x'.repeat(8_193) }, { token: 'x', more: 1 }])
    expect((await postJson(url, body, { ...ownPage, cookie })).status).toBe(400);
  expect((await postJson(url, { token: 'x' }, { ...ownPage, cookie })).body).toMatchObject({
    kind: 'refused',
  });
});

test('a process without the service shows its trail, and does nothing', async () => {
  const gateway = await startTestServices({ names: ['gateway'] });
  expect(await read(gateway)).toMatchObject({ isRunning: false, isShared: false, records: [] });
  expect(await act(gateway, 'explain', goodToken)).toEqual({ kind: 'not running' });
  expect(await act(gateway, 'log-out', goodToken)).toEqual({ kind: 'not running' });
});
