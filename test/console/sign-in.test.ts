// Signing in to the console: tokens, cookies, limits, requests of other pages, several nodes.

import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { adminToken, asScript, ownPage, postJson, signIn } from '../support/console.ts';
import { temporaryFolder } from '../support/folders.ts';
import { readMetrics } from '../support/prometheus.ts';
import { type Services, startTestServices } from '../support/services.ts';

const wrong = ({ gateway }: Services, headers = ownPage) =>
  postJson(`${gateway}/console/sign-in`, { token: 'wrong' }, headers);
const right = (services: Services) =>
  postJson(`${services.gateway}/console/sign-in`, { token: adminToken(services) });
const read = async ({ gateway }: Services, headers: Readonly<Record<string, string>>) =>
  (await fetch(`${gateway}/console/api/settings`, { headers })).status;

test('the admin token gives a session cookie that only the console gets, until it signs out', async () => {
  const services = await startTestServices();
  const response = await right(services);
  expect(response.status).toBe(200);
  const [cookie = '', browser] = response.headers.getSetCookie();
  expect(cookie).toMatch(
    /^swob_console=[\w-]{43}\.\d+\.[\w-]{43}; Max-Age=43200; Path=\/console; HttpOnly; SameSite=Strict$/,
  );
  expect(browser).toMatch(
    /^swob_console_browser=[\w-]{43}\.[\w-]{43}; Max-Age=31536000; Path=\/console\/sign-in; HttpOnly; SameSite=Strict$/,
  );
  const headers = { cookie: cookie.split(';')[0] ?? '' };
  expect(await read(services, headers)).toBe(200);
  const session = await fetch(`${services.gateway}/console/session`, { headers });
  expect(await session.json()).toEqual({ signedIn: true });

  const left = await postJson(`${services.gateway}/console/sign-out`, {}, { ...ownPage, ...headers });
  expect(left.headers.get('set-cookie')).toMatch(/^swob_console=; Max-Age=0; Path=\/console/);
});

test('the cookie of a session is refused once it has signed out, also after a restart, and no other session', async () => {
  const services = await startTestServices();
  const [cookie, other] = [await signIn(services), await signIn(services)];
  const left = await postJson(`${services.gateway}/console/sign-out`, {}, { ...ownPage, cookie });
  expect(left.status).toBe(200);
  expect(await read(services, { cookie })).toBe(401);
  const session = await fetch(`${services.gateway}/console/session`, { headers: { cookie } });
  expect(await session.json()).toEqual({ signedIn: false });
  await services.stop();
  const { folder, clock } = services;
  const restarted = await startTestServices({ folder, clock });
  expect(await read(restarted, { cookie })).toBe(401);
  expect(await read(restarted, { cookie: other })).toBe(200);
  clock.leap(43_200_000);
  expect(await read(restarted, { cookie: other })).toBe(401);
});

test('the cookie is for HTTPS only where clients reach the gateway by HTTPS', async () => {
  const services = await startTestServices({ set: ['api.public_url=https://gw.example.org'] });
  for (const cookie of (await right(services)).headers.getSetCookie()) expect(cookie).toMatch(/; Secure$/);
});

test('a changed cookie, none, or a wrong bearer token is refused', async () => {
  const services = await startTestServices();
  const cookie = await signIn(services);
  const last = cookie.at(-2) === 'A' ? 'B' : 'A';
  for (const changed of [
    '',
    'swob_console=',
    `${cookie.slice(0, -2)}${last}${cookie.slice(-1)}`,
    cookie.replace(/\.(\d)/, '.9$1'),
    `${cookie}=`,
  ])
    expect([changed, await read(services, { cookie: changed })]).toEqual([changed, 401]);
  expect(await read(services, { authorization: 'Bearer wrong' })).toBe(401);
  expect(await read(services, { ...asScript(services), 'sec-fetch-site': 'cross-site' })).toBe(200);
});

test('wrong tokens are limited by address, logged without the token, and counted', async () => {
  const services = await startTestServices({ set: ['limits.passwords=3/15m'] });
  for (let attempt = 0; attempt < 3; attempt++) expect((await wrong(services)).status).toBe(401);
  const limited = await right(services);
  expect(limited.status).toBe(429);
  expect(Number(limited.headers.get('retry-after'))).toBeGreaterThan(0);
  expect(limited.headers.get('set-cookie')).toBeNull();

  const warnings = services.log.lines.filter(({ level }) => level === 'warn');
  const message = 'sign-in to the console with a wrong admin token';
  expect(warnings).toContainEqual({
    level: 'warn',
    fields: expect.objectContaining({ address: '127.0.0.1' }),
    message,
  });
  expect(JSON.stringify(services.log.lines)).not.toContain(adminToken(services));

  const shown = readMetrics(await (await fetch(`${services.gateway}/metrics`)).text());
  const counts = shown.filter(({ name }) => name === 'swob_console_sign_ins_total');
  expect(Object.fromEntries(counts.map(({ labels, value }) => [labels.outcome, value]))).toEqual({
    accepted: 0,
    wrong: 3,
    limited: 1,
  });
  services.clock.advance(15 * 60_000);
  expect((await right(services)).status).toBe(200);
});

test('right tokens do not count towards the limit', async () => {
  const services = await startTestServices({ set: ['limits.passwords=3/15m'] });
  for (let attempt = 0; attempt < 5; attempt++) expect((await right(services)).status).toBe(200);
});

test('wrong tokens of many addresses do not lock out a browser that has signed in before, which has a limit of its own', async () => {
  const services = await startTestServices({
    set: ['limits.passwords=2/15m', 'api.trusted_proxies=127.0.0.1'],
  });
  const [, known = ''] = (await right(services)).headers.getSetCookie();
  const [cookie = ''] = known.split(';');
  const from = (address: string, more = {}) => ({ ...ownPage, 'x-forwarded-for': address, ...more });
  const signInFrom = async (headers: Readonly<Record<string, string>>) =>
    postJson(`${services.gateway}/console/sign-in`, { token: adminToken(services) }, headers);
  for (let guess = 0; guess < 40; guess++)
    expect((await wrong(services, from(`192.0.2.${guess % 20}`))).status).toBe(401);
  const last = cookie.at(-2) === 'A' ? 'B' : 'A';
  for (const other of [
    '',
    `${cookie.slice(0, -2)}${last}${cookie.slice(-1)}`,
    cookie.replace('_browser', ''),
  ])
    expect([other, (await signInFrom(from('192.0.2.66', { cookie: other }))).status]).toEqual([other, 429]);

  const ofOperator = from('192.0.2.1', { cookie });
  const signedIn = await signInFrom(ofOperator);
  expect(signedIn.status).toBe(200);
  expect(signedIn.headers.getSetCookie()[1]).toBe(known);
  expect(await read(services, { cookie: cookie.replace('_browser', '') })).toBe(401);
  for (let guess = 0; guess < 2; guess++) expect((await wrong(services, ofOperator)).status).toBe(401);
  expect((await signInFrom(ofOperator)).status).toBe(429);
});

test('requests of pages of other origins are refused, and their browsers may not read responses', async () => {
  const services = await startTestServices();
  const cookie = await signIn(services);
  const { gateway } = services;
  const action = (headers: Readonly<Record<string, string>>) =>
    postJson(`${gateway}/console/api/log/level`, { level: 'debug', minutes: 1 }, { cookie, ...headers });
  const other = 'http://other.example';
  for (const headers of [
    {},
    { 'x-swob-console': '1' },
    { 'sec-fetch-site': 'same-origin' },
    { 'sec-fetch-site': 'same-site', 'x-swob-console': '1' },
    { 'sec-fetch-site': 'none', 'x-swob-console': '1' },
    { origin: other, 'x-swob-console': '1' },
    { origin: 'null', 'x-swob-console': '1' },
  ])
    expect([headers, (await action(headers)).status]).toEqual([headers, 403]);
  expect((await action({ origin: gateway, 'x-swob-console': '1' })).status).toBe(200);
  expect((await action(ownPage)).status).toBe(200);
  expect(await read(services, { cookie, 'sec-fetch-site': 'same-site' })).toBe(403);

  const response = await fetch(`${gateway}/console/api/settings`, { headers: { cookie, origin: other } });
  expect([...response.headers.keys()].filter((name) => name.startsWith('access-control-'))).toEqual([]);
});

test('a session holds on every node with the same admin token, and on none with another', async () => {
  const first = await startTestServices();
  const folder = temporaryFolder();
  copyFileSync(join(first.folder, 'admin.token'), join(folder, 'admin.token'));
  const [second, stranger] = [await startTestServices({ folder }), await startTestServices()];
  const cookie = await signIn(first);
  expect(await read(second, { cookie })).toBe(200);
  expect(await read(stranger, { cookie })).toBe(401);
});

test('without [console] enabled there is no console', async () => {
  const { gateway } = await startTestServices({ set: ['console.enabled=off'] });
  expect((await fetch(`${gateway}/console`)).status).toBe(404);
});
