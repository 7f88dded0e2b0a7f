// The values of [relay]: URLs without credentials, and country codes.

import { expect, test } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import { relayKeys } from '../../src/config/relay-keys.ts';

test('allow takes ISO country codes in any case, each once', () => {
  const { type } = relayKeys.allow;
  expect(type.parse('cm, NG,CM')).toEqual(['CM', 'NG']);
  expect(type.parse('')).toEqual([]);
  expect(type.parse(type.format(['CM', 'NG']))).toEqual(['CM', 'NG']);
  for (const wrong of ['Cameroon', 'CM NG', 'CM,', 'XX1', '237', 'QX'])
    expect(() => type.parse(wrong), wrong).toThrow('expected ISO country codes');
});

test('url takes http and https, without user and password', () => {
  const { type } = relayKeys.url;
  for (const url of ['', 'http://127.0.0.1:8000', 'https://p.example.org/v1/publications'])
    expect(type.parse(url)).toBe(url);
  expect(() => type.parse('https://me:hunter2@p.example.org')).toThrow(
    /^expected a URL without user and password$/,
  );
  for (const wrong of ['p.example.org', 'ftp://p.example.org'])
    expect(() => type.parse(wrong)).toThrow('expected a URL');
});

test('url must not be this gateway itself', () => {
  const load = (...setOptions: string[]) => loadConfig({ files: ['/dev/null'], env: {}, setOptions });
  const error = /\[relay\] url is the address of this gateway/;
  for (const url of ['http://127.0.0.1:6969', 'http://localhost:6969/v1/publications', 'http://[::1]:6969'])
    expect(() => load(`relay.url=${url}`)).toThrow(error);
  for (const url of ['http://localhost', 'http://gw.example.org/v1/publications'])
    expect(() => load('api.port=80', 'api.public_host=GW.example.org', `relay.url=${url}`)).toThrow(error);
  expect(load('api.port=0', 'relay.url=http://localhost').config.relay.url).not.toBe('');
  const own = ['api.public_url=https://gw.example.org', 'websocket.public_url=wss://gw.example.org'];
  expect(() => load(...own, 'relay.url=https://gw.example.org/v1/publications')).toThrow(error);
  expect(load(...own, 'relay.url=https://publisher.example.org').config.relay.url).not.toBe('');
  expect(load('relay.url=http://127.0.0.1:8000').config.relay.url).not.toBe('');
});
