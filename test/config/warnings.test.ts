// Warnings about settings that are valid but probably unintended.

import { expect, test } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';

const notesWith = (...setOptions: string[]) =>
  loadConfig({ files: ['/dev/null'], env: {}, setOptions }).warnings;
const verification = 'user_management_api.verification_url=https://users.example.org/%s/verify';
const platforms = 'user_management_api.platforms_url=https://users.example.org/%s/platforms';

test('warns when logo URLs point at this machine while the users are on another one', () => {
  expect(notesWith(verification, platforms)).toEqual([
    '[user_management_api] api_url is still http://127.0.0.1:9000, unlike verification_url and platforms_url: phones will request the platform logos from this machine',
  ]);
  const apiUrl = 'user_management_api.api_url=https://users.example.org';
  const here = 'user_management_api.platforms_url=http://127.0.0.1:9000/platforms/%s';
  expect([notesWith(verification, platforms, apiUrl), notesWith(verification, here)]).toEqual([[], []]);
});

test('warns about a public URL of only one service', () => {
  const api = 'api.public_url=https://gw.example.org';
  const websocket = 'websocket.public_url=wss://gw.example.org';
  const reason = 'clients receive URLs with its host and port';
  expect(notesWith(api)).toEqual([`[api] public_url is set, [websocket] public_url is not: ${reason}`]);
  expect(notesWith(websocket)).toEqual([`[websocket] public_url is set, [api] public_url is not: ${reason}`]);
  expect([notesWith(api, websocket), notesWith(websocket, 'api.public_host=a.example')]).toEqual([[], []]);
});
