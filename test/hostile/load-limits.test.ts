// docs/protocol.md, L6 and L7: limits that strangers cannot reset, nor use up for others; and limits before bodies.

import { expect, test } from 'vitest';
import { startDisconnect } from '../support/disconnect.ts';
import { startMessaging } from '../support/messaging.ts';
import { get, post } from '../support/phone.ts';
import { startAttackedServices } from './attacked-services.ts';
import { connectTo, readAll } from './raw.ts';

const seed = { IMSI: '624013000000000', MSISDN: '+237671234567', seed_type: 'seed' };
const from = (address: string) => ({ 'x-forwarded-for': address });

test('an exceeded rate limit is reported before the body is sent', async () => {
  const services = await startAttackedServices({
    set: ['pings', 'sms', 'lookups'].map((name) => `limits.${name}=1/1m`),
  });
  const disconnect = await startDisconnect({ set: ['limits.disconnects=1/1m'] });
  const routes: readonly (readonly [string, string, unknown])[] = [
    [services.gateway, '/seeds/ping', seed],
    [services.gateway, '/sms/platform/gateway-client', { text: 'x', MSISDN: 'x' }],
    [services.gateway, '/v1/sms/operators', [{ number: '+1' }]],
    [services.gateway, '/v1/sms', { auth_id: 'a', auth_key: 'b', data: [{ number: '+1', text: 't' }] }],
    [disconnect.url, '/disconnect', { token: 'x' }],
  ];
  for (const [url, path, body] of routes) {
    expect((await post(`${url}${path}`, body)).status).not.toBe(429);
    const socket = await connectTo(url);
    const response = readAll(socket);
    const head = ['Host: x', 'Content-Type: application/json', 'Content-Length: 10000', 'Connection: close'];
    socket.write(`POST ${path} HTTP/1.1\r\n${head.join('\r\n')}\r\n\r\n`);
    expect([path, await response]).toEqual([
      path,
      expect.stringMatching(/^HTTP\/1\.1 429 .*\r\nretry-after: 60\r/is),
    ]);
  }
});

test('L6 a flood from many addresses of one IPv6 network resets no limit, and is limited as a network', async () => {
  const services = await startAttackedServices({
    set: ['api.trusted_proxies=127.0.0.1', 'limits.sessions=3/1m'],
  });
  const open = async (address: string) =>
    (
      await get(`${services.gateway}/v2/sync/users/user${address.replaceAll(/\W/g, '')}`, {
        headers: from(address),
      })
    ).status;
  for (let n = 0; n < 3; n++) expect(await open('192.0.2.66')).toBe(200);
  expect(await open('192.0.2.66')).toBe(429);
  const statuses: number[] = [];
  for (let line = 0; line < 60; line++)
    statuses.push(await open(`2001:db8:1:${(line * 256).toString(16)}::1`));
  expect(statuses.filter((status) => status === 200)).toHaveLength(48);
  expect(await open('2001:db8:2:0::1')).toBe(200);
  expect(await open('192.0.2.66')).toBe(429);
});

test('L7 lockout attack: wrong keys and SMS in the name of others do not lock them out from other addresses', async () => {
  const services = await startMessaging({
    developers: new Map([['dev', 'right']]),
    set: [
      'api.trusted_proxies=127.0.0.1',
      'broker.url=amqp://127.0.0.1:1',
      'broker.management_url=http://127.0.0.1:1',
      'outgoing.setup_id=set',
      'outgoing.setup_key=up',
      ...['sms', 'pings', 'sessions'].map((name) => `limits.${name}=5/15m`),
    ],
  });
  const url = services.gateway;
  const subscription = (auth_key: string) => ({ auth_id: 'dev', auth_key, id: 'set', key: 'up' });
  const sms = (text: string) => ({
    MSISDN: '+237650393369',
    text: Buffer.from(text.padEnd(48)).toString('base64'),
  });
  const attack = async (n: number, address: string): Promise<number[]> => {
    const responses = [
      await post(`${url}/v1/subscribe`, subscription(`wrong ${n}`), from(address)),
      await post(`${url}/sms/platform/gateway-client`, sms(String(n)), from(address)),
      await post(`${url}/seeds/ping`, seed, from(address)),
      await get(`${url}/v2/sync/users/alice`, { headers: from(address) }),
    ];
    return responses.map(({ status }) => status);
  };
  for (let n = 0; n < 5; n++) await attack(n, '192.0.2.66');
  expect(await attack(5, '192.0.2.66')).toEqual([429, 429, 429, 429]);
  for (let n = 6; n < 10; n++) await attack(n, '192.0.2.67');
  const owner = '198.51.100.1';
  expect((await post(`${url}/v1/subscribe`, subscription('right'), from(owner))).status).toBeGreaterThan(499);
  expect((await post(`${url}/sms/platform/gateway-client`, sms('mine'), from(owner))).status).toBe(200);
  expect((await post(`${url}/seeds/ping`, seed, from(owner))).status).toBe(200);
  expect((await get(`${url}/v2/sync/users/alice`, { headers: from(owner) })).status).toBe(200);
});
