// The client's address in the line about each request: that of the connection, or what a trusted proxy says.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { publicPem } from '../crypto/token-builder.ts';
import { temporaryFolder } from '../support/folders.ts';
import { get } from '../support/phone.ts';
import { startTestServices } from '../support/services.ts';
import { openSocket } from '../support/socket.ts';

test.each([
  ['no proxy is trusted', '', '127.0.0.1'],
  ['its proxy is trusted', '127.0.0.1', '203.0.113.7'],
])('of every service, when %s: %s', async (_when, trusted, client) => {
  const keyFile = join(temporaryFolder(), 'public.pem');
  writeFileSync(keyFile, publicPem);
  const { gateway, sync, disconnect, log } = await startTestServices({
    names: ['gateway', 'sync', 'disconnect'],
    set: [`validation.public_key=${keyFile}`, `api.trusted_proxies=${trusted}`],
  });
  const headers = { 'x-forwarded-for': '203.0.113.7' };
  const overHttp = sync.replace('ws:', 'http:');
  await get(`${gateway}/seeds`, { headers });
  await get(`${gateway}/v2/sync/users/alice`, { headers });
  await get(`${gateway}/nowhere`, { headers });
  await get(`${gateway}/%`, { headers });
  await get(`${disconnect}/disconnect`, { headers });
  await get(`${overHttp}/livez`, { headers });
  await get(`${overHttp}/nowhere`, { headers });
  await (await openSocket(`${sync}/v2/sync/init/u/s`, { headers })).next();
  await expect(openSocket(`${sync}/elsewhere`, { headers })).rejects.toThrow('404');
  const lines = () => log.lines.filter(({ message }) => message === 'request');
  // The line is logged after the response is sent.
  await expect.poll(() => lines().length).toBe(9);
  expect(new Set(lines().map(({ fields }) => Object(fields).client))).toEqual(new Set([client]));
});
