// Forged tokens, sent to the running disconnect service (docs/protocol.md, J1–J10): each is rejected with its own
// reason, and none causes a request to the PCRF or a NAS.

import { constants, generateKeyPairSync, sign } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import {
  base64url,
  hs256,
  opensslToken,
  other,
  privateKey,
  publicKey,
  publicPem,
  rs256,
  sampleTime,
} from '../crypto/token-builder.ts';
import {
  backends,
  type DisconnectOptions,
  expectFailure,
  expectNoTrace,
  expectRefused,
  expectService,
  requestDisconnect,
  localClaims as sampleClaims,
  startDisconnect,
  localTokenWith as tokenWith,
} from '../support/disconnect.ts';
import { needs } from '../support/needs.ts';
import { post } from '../support/phone.ts';
import { startRawServer } from '../upstream/raw-server.ts';

const noMatch = 'its signature does not match the key';
const payload = base64url(JSON.stringify(sampleClaims));
const withHeader = (header: object): string => rs256(sampleClaims, { alg: 'RS256', ...header });

describe.each(backends)('backend = %s', (backend) => {
  const start = (options: DisconnectOptions = {}) => startDisconnect({ backend, ...options });

  test('J1 rejects alg none, however it is written and signed', async () => {
    const service = await start();
    for (const alg of ['none', 'NONE', 'nOnE']) {
      const input = `${base64url(JSON.stringify({ alg }))}.${payload}`;
      await expectRefused(service, `${input}.`, 'its signature is empty');
      await expectRefused(service, input, 'it has 2 parts, not 3 (header.payload.signature)');
      await expectRefused(service, `${input}.AAAA`, `alg is "${alg}"; only RS256 is accepted`);
      await expectRefused(service, withHeader({ alg }), `alg is "${alg}"; only RS256 is accepted`);
    }
    await expectService(service);
  });

  test('J2 rejects algorithm confusion: HS256 with the public key as the secret', async () => {
    const service = await start();
    const der = publicKey.export({ type: 'spki', format: 'der' });
    for (const secret of [publicPem, publicPem.trimEnd(), der]) {
      await expectRefused(service, hs256(sampleClaims, secret), 'alg is "HS256"; only RS256 is accepted');
      await expectRefused(service, hs256(sampleClaims, secret, { alg: 'RS256' }), noMatch);
    }
    await expectService(service);
  });

  test('J3 rejects a token whose header names another algorithm, even with a good signature', async (context) => {
    needs(context, { command: 'openssl' });
    const service = await start();
    const only = (alg: string): string => `alg is "${alg}"; only RS256 is accepted`;
    await expectRefused(service, opensslToken(sampleClaims, 'sha384', 'RS384'), only('RS384'));
    const pss = (alg: string): string => {
      const input = `${base64url(JSON.stringify({ alg }))}.${payload}`;
      const key = { key: privateKey, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 };
      return `${input}.${base64url(sign('sha256', Buffer.from(input), key))}`;
    };
    await expectRefused(service, pss('PS256'), only('PS256'));
    await expectRefused(service, pss('RS256'), noMatch);
    const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
    await expectRefused(service, rs256(sampleClaims, { alg: 'ES256' }, ec), only('ES256'));
    for (const header of [{}, { alg: null }, { alg: ['RS256'] }]) {
      await expectRefused(service, rs256(sampleClaims, header), 'alg is missing');
    }
    await expectService(service, opensslToken(sampleClaims, 'sha256', 'RS256'));
  });

  test('J4 never uses or fetches a key that the header contains or refers to', async () => {
    const service = await start();
    const bait = await startRawServer((socket) => void socket.end());
    const url = `http://127.0.0.1:${bait.port}/keys`;
    const headers = [
      { jwk: other.publicKey.export({ format: 'jwk' }) },
      { jku: url },
      { x5u: url },
      { x5c: [other.publicKey.export({ type: 'spki', format: 'der' }).toString('base64')] },
    ];
    for (const header of headers) {
      const forged = rs256(sampleClaims, { alg: 'RS256', ...header }, other.privateKey);
      await expectRefused(service, forged, noMatch);
      // A token that our key verifies is accepted, whatever keys its header contains.
      await expectService(service, withHeader(header));
    }
    expect(bait.accepted).toHaveLength(0);
  });

  test('J5 rejects a kid that is a path, SQL or very long; a plain kid selects no key', async () => {
    const service = await start();
    for (const kid of [
      '../../../../dev/null',
      '/etc/passwd',
      "x' UNION SELECT 'k'--",
      'k\0',
      'a'.repeat(257),
      7,
    ]) {
      await expectRefused(service, withHeader({ kid }), 'kid is not a plain key id');
    }
    const long = withHeader({ kid: 'a'.repeat(10_240) });
    expectFailure(await requestDisconnect(service, long), 400, 'token longer than 8192 characters');
    expectNoTrace(service, long);
    await expectService(service, withHeader({ kid: 'doors-2019' }));
  });

  test('J6 rejects crit and b64', async () => {
    const service = await start();
    await expectRefused(service, withHeader({ crit: ['exp'] }), 'crit in its header is not supported');
    await expectRefused(service, withHeader({ crit: [] }), 'crit in its header is not supported');
    await expectRefused(
      service,
      withHeader({ b64: false, crit: ['b64'] }),
      'crit in its header is not supported, b64 in its header is not supported',
    );
    await expectService(service);
  });

  test('J7 rejects JWE, JSON serialization, several signatures and zip', async () => {
    const service = await start();
    const good = withHeader({});
    const [header = '', claims = '', signature = ''] = good.split('.');
    const jwe = [base64url('{"alg":"RSA-OAEP","enc":"A256GCM"}'), 'AAAA', 'AAAA', 'AAAA', 'AAAA'].join('.');
    await expectRefused(service, jwe, 'it has 5 parts, not 3 (header.payload.signature)');
    await expectRefused(service, `${good}.${signature}`, 'it has 4 parts, not 3 (header.payload.signature)');
    const flattened = { protected: header, payload: claims, signature };
    await expectRefused(
      service,
      JSON.stringify(flattened),
      'it has 1 part, not 3 (header.payload.signature)',
    );
    for (const token of [
      flattened,
      { payload: claims, signatures: [{ protected: header, signature }] },
      [good],
    ]) {
      expectFailure(
        await post(`${service.url}/disconnect`, { token }),
        400,
        'more than one token, or not a string',
      );
    }
    for (const name of ['zip', 'enc']) {
      await expectRefused(service, withHeader({ [name]: 'DEF' }), `${name} in its header is not supported`);
    }
    expect(service.calls()).toBe(0);
    await expectService(service);
  });

  test('J8 exp is required and must be a positive number', async () => {
    const service = await start();
    await expectRefused(service, tokenWith({ exp: undefined }), 'exp is missing');
    for (const exp of ['1559351580', [1_559_351_580], null, {}, true, -1, 0]) {
      await expectRefused(service, tokenWith({ exp }), 'exp is not a positive number');
    }
    const huge = JSON.stringify(sampleClaims).replace('1559351580', '1e400');
    await expectRefused(service, rs256(huge), 'exp is not a positive number');
    await expectService(service);
  });

  describe('J9 times', () => {
    const now = sampleTime / 1000;
    const iso = (seconds: number): string => new Date(seconds * 1000).toISOString();

    const expired = (at: number, ago: string, leeway: string): string =>
      `expired at ${iso(at)} (exp), ${ago} ago; [validation] leeway is ${leeway}`;
    const future = (name: string, at: number, by: string, leeway: string): string =>
      `${name} is in the future (${iso(at)}), by ${by}; [validation] leeway is ${leeway}`;

    test('rejects expired, not yet valid and future tokens; each error has the claim, the skew and the setting', async () => {
      const service = await start({ set: ['validation.leeway=0s'] });
      await expectRefused(service, tokenWith({ exp: now }), expired(now, '0 ms', '0ms'));
      await expectRefused(service, tokenWith({ nbf: now + 1 }), future('nbf', now + 1, '1 s', '0ms'));
      await expectRefused(service, tokenWith({ iat: now + 1 }), future('iat', now + 1, '1 s', '0ms'));
      await expectRefused(
        service,
        tokenWith({ exp: now - 9, nbf: now + 8, iat: now + 7 }),
        [
          expired(now - 9, '9 s', '0ms'),
          future('nbf', now + 8, '8 s', '0ms'),
          future('iat', now + 7, '7 s', '0ms'),
        ].join(', '),
      );
      await expectRefused(
        service,
        tokenWith({ nbf: 'now', iat: 'now' }),
        'nbf is not a number, iat is not a number',
      );
      await expectService(service, tokenWith({ exp: now + 1, nbf: now, iat: now }));
      service.clock.advance(1_000);
      await expectRefused(
        service,
        tokenWith({ exp: now + 1, nbf: now, iat: now }),
        expired(now + 1, '0 ms', '0ms'),
      );
    });

    test('allows a clock skew of five seconds by default', async () => {
      const service = await start();
      await expectService(service, tokenWith({ exp: now - 4, iat: now - 100 }));
      await expectService(service, tokenWith({ nbf: now + 5, iat: now + 5 }));
      await expectRefused(service, tokenWith({ exp: now - 5 }), expired(now - 5, '5 s', '5s'));
      await expectRefused(service, tokenWith({ iat: now + 6 }), future('iat', now + 6, '6 s', '5s'));
    });

    test('rejects milliseconds in place of seconds and names the claim', async () => {
      const service = await start();
      for (const name of ['exp', 'iat', 'nbf'])
        await expectRefused(
          service,
          tokenWith({ [name]: sampleTime }),
          `${name} is too large: it counts seconds, not milliseconds`,
        );
      await expectService(service);
    });

    test('applies the leeway to all of them, to the second', async () => {
      const service = await start({ set: ['validation.leeway=1m'] });
      await expectService(service, tokenWith({ exp: now - 59, iat: now - 100 }));
      await expectService(service, tokenWith({ nbf: now + 60, iat: now + 60 }));
      await expectRefused(service, tokenWith({ exp: now - 60 }), expired(now - 60, '60 s', '1m'));
      await expectRefused(service, tokenWith({ nbf: now + 61 }), future('nbf', now + 61, '61 s', '1m'));
    });

    test('rejects a lifetime that exceeds the maximum or is unknown', async () => {
      const service = await start({ set: ['validation.max_lifetime=20h'] });
      await expectService(service);
      await expectRefused(
        service,
        tokenWith({ exp: sampleClaims.exp + 1 }),
        'its lifetime (exp - iat) of 72001 s is above the maximum of 72000 s',
      );
      await expectRefused(
        service,
        tokenWith({ iat: undefined }),
        'iat is missing, so its lifetime is not known',
      );
    });
  });

  test('J10 iss and aud must match the configuration', async () => {
    const service = await start({ set: ['validation.issuer=doors', 'validation.audience=wifi'] });
    await expectRefused(service, tokenWith(), 'iss is missing, aud is missing');
    const right = { iss: 'doors', aud: 'wifi' };
    for (const iss of ['Doors', 'doors ', ['doors'], null]) {
      await expectRefused(service, tokenWith({ ...right, iss }), 'iss is not doors');
    }
    for (const aud of ['wi-fi', 'wifi,x', ['x', 'y'], [], [['wifi']], { wifi: true }]) {
      await expectRefused(service, tokenWith({ ...right, aud }), 'aud is not wifi');
    }
    await expectService(service, tokenWith(right));
    await expectService(service, tokenWith({ ...right, aud: ['x', 'wifi'] }));
  });
});
