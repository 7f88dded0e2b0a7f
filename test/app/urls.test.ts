// The URLs of the services: those for clients, those for the other half, and the bound addresses.

import { expect, test } from 'vitest';
import { serviceUrls } from '../../src/app/compose/urls.ts';
import { loadConfig } from '../../src/config/load.ts';
import { configFile } from '../support/config-files.ts';
import { createPhone, encryptFor, handshakeUrlOf, openSession, post, shakeHands } from '../support/phone.ts';
import { startTestServices } from '../support/services.ts';
import { openSocket } from '../support/socket.ts';

const ports = { gateway: 1001, sync: 1002, disconnect: 1003 };

function urlsWith(...overrides: string[]) {
  const { config } = loadConfig({ files: [configFile('')], env: {}, setOptions: overrides });
  const { public: outside, internal, bound } = serviceUrls(config, ports);
  const both = ({ gateway, sync }: typeof internal) => [gateway(), sync()];
  return { public: both(outside), internal: both(internal), bound: both(bound) };
}

const local = ['http://127.0.0.1:1001', 'ws://127.0.0.1:1002'];
const tls = ['api_ssl', 'websocket_ssl'].flatMap((section) => [`${section}.crt=a`, `${section}.key=b`]);

test('by default all URLs are the bound addresses', () => {
  expect(urlsWith()).toEqual({ public: local, internal: local, bound: local });
});

test('the public host changes only the URLs for clients', () => {
  expect(urlsWith('api.public_host=2001:db8::1')).toEqual({
    public: ['http://[2001:db8::1]:1001', 'ws://[2001:db8::1]:1002'],
    internal: local,
    bound: local,
  });
});

test('public URLs replace scheme, host and port of the URLs for clients only', () => {
  const outside = ['https://gw.example.org', 'wss://ws.example.org:8443'];
  const set = [`api.public_url=${outside[0]}`, `websocket.public_url=${outside[1]}`];
  expect(urlsWith(...set)).toEqual({ public: outside, internal: local, bound: local });
  const bound = ['https://0.0.0.0:1001', 'wss://127.0.0.1:1002'];
  const internal = ['https://127.0.0.1:1001', 'wss://127.0.0.1:1002'];
  expect(urlsWith(...set, ...tls, 'api.host=0.0.0.0')).toEqual({ public: outside, internal, bound });
});

test('the public URL of one service leaves the other one as it is', () => {
  expect(urlsWith('api.public_url=https://gw.example.org').public).toEqual([
    'https://gw.example.org',
    local[1],
  ]);
  expect(urlsWith('websocket.public_url=wss://a', 'api.public_host=b').public).toEqual([
    'http://b:1001',
    'wss://a',
  ]);
});

test('with TLS the websocket may have its own host, for clients only', () => {
  const { public: outside, internal } = urlsWith(...tls, 'websocket_ssl.host=ws.example.org');
  expect([outside[1], internal[1]]).toEqual(['wss://ws.example.org:1002', 'wss://127.0.0.1:1002']);
});

test('pages and phones get public URLs everywhere: websocket, handshake, list of seeds', async () => {
  const { gateway, sync } = await startTestServices({
    set: ['api.public_url=https://gw.example.org', 'websocket.public_url=wss://ws.example.org'],
  });
  const initUrl = await openSession(gateway, 'alice');
  expect(initUrl).toMatch(/^wss:\/\/ws\.example\.org\/v2\/sync\/init\/alice\/[^/]+$/);

  const socket = await openSocket(`${sync}${new URL(initUrl).pathname}`);
  const path = new URL(handshakeUrlOf(gateway, initUrl)).pathname;
  expect(JSON.parse(await socket.next())).toEqual({
    qr_url: `https://gw.example.org:443${path}`,
    mobile_url: `apps://gw.example.org:443${path}`,
  });

  const phone = createPhone();
  const { publicKey, verificationUrl } = await shakeHands(`${gateway}${path}`, phone);
  const password = encryptFor(publicKey, Buffer.from('correct horse')).toString('base64');
  const { text } = await post(verificationUrl, { password });
  expect(JSON.parse(text)).toMatchObject({ seeds_url: 'https://gw.example.org/seeds' });
});
