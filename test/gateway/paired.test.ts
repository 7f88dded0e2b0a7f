// GET /sync/users/<user>/paired reports to the operator when a user has paired, and never a key.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createPhone, get, handshakeUrlOf, openSession, pair } from '../support/phone.ts';
import { startTestServices } from '../support/services.ts';

test('reports when a user has paired, by the clock of the gateway', async () => {
  const services = await startTestServices();
  const { gateway, clock, folder } = services;
  const token = (await readFile(join(folder, 'admin.token'), 'utf8')).trim();
  const getPaired = (user: string, as = token) =>
    get(`${gateway}/sync/users/${user}/paired`, { headers: { authorization: `Bearer ${as}` } });

  expect(await getPaired('alice')).toMatchObject({ status: 404, text: 'this user has not paired' });
  const pairedAt = clock.now() / 1_000;
  const handshake = handshakeUrlOf(gateway, await openSession(gateway, 'alice'));
  const sharedKey = await pair(handshake, createPhone(), 'correct horse');
  clock.advance(1_500);
  const { status, text, headers } = await getPaired('alice');
  expect(status).toBe(200);
  expect(JSON.parse(text)).toEqual({ pairedAt, now: pairedAt + 1.5 });
  expect(text).not.toContain(sharedKey);
  expect(headers.get('cache-control')).toBe('no-store');

  expect((await getPaired('alice', 'x'.repeat(43))).status).toBe(401);
  expect((await get(`${gateway}/sync/users/alice/paired`)).status).toBe(401);
  // Without the token the response does not reveal which users exist.
  expect((await get(`${gateway}/sync/users/nobody/paired`)).status).toBe(401);
  expect((await getPaired('..%2fmeta')).status).toBe(400);
  expect((await getPaired('bob')).status).toBe(404);
});
