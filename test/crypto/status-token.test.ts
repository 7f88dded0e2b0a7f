// What status tokens have beside seed tokens, whose code they share: seed-token.test.ts.

import { describe, expect, test } from 'vitest';
import { createSeedToken, verifySeedToken } from '../../src/crypto/seed-token.ts';
import { createStatusToken, verifyStatusToken } from '../../src/crypto/status-token.ts';

describe('status tokens', () => {
  test('are the auth id and its HMAC-SHA256 in base64url', () => {
    // printf status:dev1 | openssl dgst -sha256 -hmac secret -binary | basenc --base64url | tr -d =
    const token = createStatusToken('secret', 'dev1');
    expect(token).toBe('dev1.ovFf_9KAoyV6z9O96F7abnsLgMSfp3Ooe0J1x3mAASA');
    expect(verifyStatusToken('secret', token)).toBe('dev1');
    expect(verifyStatusToken('other', token)).toBeUndefined();
    expect(verifyStatusToken('secret', token.replace('dev1', 'dev2'))).toBeUndefined();
  });

  test('are not seed tokens under the same secret, and no seed token is one', () => {
    const ids = ['dev1', 'status:dev1', '111'];
    for (const id of ids) {
      expect(verifySeedToken('secret', createStatusToken('secret', id))).toBeUndefined();
      expect(verifyStatusToken('secret', createSeedToken('secret', id))).toBeUndefined();
    }
  });

  test('are neither created nor accepted with an empty secret', () => {
    expect(() => createStatusToken('', 'dev1')).toThrow('[outgoing] status_secret');
    expect(() => verifyStatusToken('', 'dev1.abc')).toThrow('[outgoing] status_secret');
  });
});
