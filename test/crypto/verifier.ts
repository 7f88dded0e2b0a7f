// A verifier for the sample key, a good token, and the errors of others.

import { createSecretKey } from 'node:crypto';
import { createTokenVerifier, type TokenVerifierOptions } from '../../src/crypto/jwt.ts';
import { publicKey, rs256, sampleClaims, sampleTime } from './token-builder.ts';

export const secretText = '0123456789abcdef0123456789abcdef';
export const secret = createSecretKey(Buffer.from(secretText));

export function verifierOf(options: Partial<TokenVerifierOptions> = {}) {
  return createTokenVerifier({
    key: publicKey,
    secret: undefined,
    algorithms: ['RS256'],
    leewayMs: 0,
    leewaySetting: '--leeway',
    maxLifetimeMs: 0,
    clock: { now: () => sampleTime },
    ...options,
  });
}
export const verifier = verifierOf();
export const good = rs256(sampleClaims);
export const [goodHeader = '', goodPayload = '', goodSignature = ''] = good.split('.');

/** The errors of a token that is not accepted. */
export function errorsOf(token: string, options?: Partial<TokenVerifierOptions>): readonly string[] {
  const { errors } = options ? verifierOf(options).check(token) : verifier.check(token);
  return errors;
}
export const errorsOfClaims = (claims: object, options?: Partial<TokenVerifierOptions>) =>
  errorsOf(rs256({ ...sampleClaims, ...claims }), options);
export const errorsOfHeader = (header: object) =>
  errorsOf(rs256(sampleClaims, { alg: 'RS256', typ: 'JWT', ...header }));
export const badSignature = ['its signature does not match the key'];
