// The URLs in a QR code.

import { expect, test } from 'vitest';
import { handshakeUrls } from '../../../src/domain/shared/urls.ts';

test.each([
  ['https://gw.example.org', 'https://gw.example.org:443'],
  ['http://gw.example.org', 'http://gw.example.org:80'],
  ['https://gw.example.org:443', 'https://gw.example.org:443'],
  ['https://gw.example.org:8443', 'https://gw.example.org:8443'],
  ['http://127.0.0.1:6969', 'http://127.0.0.1:6969'],
  ['https://[2001:db8::1]', 'https://[2001:db8::1]:443'],
  ['https://[2001:db8::1]:7', 'https://[2001:db8::1]:7'],
])('of %s carry the port: %s', (gateway, origin) => {
  const path = '/v2/sync/users/a%20b/sessions/c/handshake';
  expect(handshakeUrls(gateway, 'a b', 'c')).toEqual({
    qr_url: `${origin}${path}`,
    mobile_url: `${origin}${path}`.replace(/^http/, 'app'),
  });
});
