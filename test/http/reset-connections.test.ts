// Clients that reset their connection in the moment in which they send a request: they have no address any more, and are no error.

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { expect, test } from 'vitest';
import { request, upgrade } from '../hostile/raw.ts';
import { makeCertificate } from '../support/certificates.ts';
import { startDisconnect } from '../support/disconnect.ts';
import { temporaryFolder } from '../support/folders.ts';
import type { MemoryLog } from '../support/log.ts';
import { needs } from '../support/needs.ts';
import { get } from '../support/phone.ts';
import { startTestServices } from '../support/services.ts';

const ping = JSON.stringify({ IMSI: '624013000000000', MSISDN: '+237671234567', seed_type: 'seed' });
const json = (body: string) => ['Content-Type: application/json', `Content-Length: ${body.length}`];
const texts = [
  request('GET', '/v2/sync/users/alice'),
  request('POST', '/seeds/ping', json(ping), ping),
  request('POST', '/sms/platform/deku', json('{}'), '{}'),
  request('GET', '/disconnect?token=x'),
  request('GET', '/metrics'),
  upgrade('/v2/sync/init/alice/000'),
];

/** Resolves when the connection is gone. */
async function sendAndReset(
  url: string,
  text: string,
  secure = async (socket: Socket): Promise<Socket> => socket,
): Promise<void> {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port) });
  await once(socket, 'connect');
  (await secure(socket)).write(text);
  socket.resetAndDestroy();
  await once(socket, 'close');
}

const errors = ({ lines }: MemoryLog) => lines.filter(({ level }) => level === 'error');

test('a connection that is reset with its request causes no error, in no service', async () => {
  const { gateway, sync, log } = await startTestServices();
  const disconnect = await startDisconnect();
  for (const url of [gateway, sync, disconnect.url]) {
    for (const text of texts) await sendAndReset(url, text);
    expect((await get(`${url.replace(/^ws/, 'http')}/livez`)).status).toBe(200);
  }
  expect([errors(log), errors(disconnect.log)]).toEqual([[], []]);
});

test('a TLS connection that is reset with its request causes no error', async (context) => {
  needs(context, { command: 'openssl' });
  const { crt, key } = makeCertificate(temporaryFolder(), 'service');
  const ssl = ['api_ssl', 'websocket_ssl'].flatMap((name) => [`${name}.crt=${crt}`, `${name}.key=${key}`]);
  const { gateway, sync, log } = await startTestServices({ set: ssl });
  const secure = async (socket: Socket): Promise<Socket> => {
    const secured = connectTls({ socket, rejectUnauthorized: false });
    secured.on('error', () => {});
    await once(secured, 'secureConnect');
    return secured;
  };
  for (const url of [gateway, sync]) {
    for (const text of texts) await sendAndReset(url, text, secure);
    const socket = connect({ host: '127.0.0.1', port: Number(new URL(url).port) });
    const livez = await secure(socket);
    livez.write(request('GET', '/livez'));
    expect(String((await once(livez, 'data'))[0])).toMatch(/^HTTP\/1\.1 200 /);
    livez.destroy();
  }
  expect(errors(log)).toEqual([]);
});
