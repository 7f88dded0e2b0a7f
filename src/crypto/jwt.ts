// Signs, verifies and takes apart JSON Web Tokens; the only file that uses jsonwebtoken. Used by the
// disconnect service and the `swob jwt` commands.

import { constants, createHmac, type KeyObject, timingSafeEqual, verify } from 'node:crypto';
import jwt from 'jsonwebtoken';
import type { Clock, TokenVerifier } from '../domain/ports.ts';
import { messageOf, SwobError } from '../errors.ts';
import { type ClaimRules, claimFaults } from './jwt-claims.ts';
import { headerFaults, type JsonObject, parseToken, type TokenParts } from './jwt-format.ts';

/** Algorithms that a configuration can name. */
export const supportedAlgorithms = ['RS256', 'RS384', 'RS512', 'HS256'] as const;
export type TokenAlgorithm = (typeof supportedAlgorithms)[number];

export interface TokenVerifierOptions extends ClaimRules {
  /** RSA public key, for RS* alone. */
  readonly key: KeyObject | undefined;
  /** Secret shared with the signer, for HS256 alone. */
  readonly secret: KeyObject | undefined;
  /** The only ones that are accepted, whatever a token says. */
  readonly algorithms: readonly string[];
  readonly clock: Pick<Clock, 'now'>;
}

interface TokenCheck {
  /** Present when the signature is good, even if a claim is not. */
  readonly claims: JsonObject | undefined;
  /** Empty for a good token. */
  readonly faults: readonly string[];
}

export interface CheckingVerifier extends TokenVerifier {
  /** As `verify`, but tells instead of throwing. */
  check(token: string): TokenCheck;
}

/**
 * A verifier with its keys and algorithms pinned. Form and header come first, then the signature, then the
 * claims, all of them. Throws CONFIG when an algorithm is unknown or its key is not there.
 */
export function createTokenVerifier(options: TokenVerifierOptions): CheckingVerifier {
  const { clock, algorithms } = options;
  const keys = pinnedKeys(options);

  const check = (token: string): TokenCheck => {
    const parts = parseToken(token);
    if (typeof parts === 'string') return { claims: undefined, faults: [parts] };
    const { header, payload, signature } = parts;
    const faults = headerFaults(header, algorithms);
    if (faults.length > 0) return { claims: undefined, faults };
    const pinned = keys.find(({ algorithm }) => algorithm === header.alg);
    if (!pinned || !isSigned(token, signature, pinned)) {
      return { claims: undefined, faults: ['its signature does not match the key'] };
    }
    return { claims: payload, faults: claimFaults(payload, options, clock.now()) };
  };

  return {
    check,
    verify: (token) => {
      const { claims, faults } = check(token);
      if (claims && faults.length === 0) return claims;
      throw new SwobError('UNAUTHENTICATED', `token refused: ${faults.join(', ')}`);
    },
  };
}

interface PinnedKey {
  readonly algorithm: TokenAlgorithm;
  readonly key: KeyObject;
}

/** The key of each algorithm: a public key never serves as a secret, however it got there. */
function pinnedKeys({ algorithms, key, secret }: TokenVerifierOptions): PinnedKey[] {
  if (algorithms.length === 0)
    throw new SwobError('CONFIG', 'no token algorithm is named; RS256 is the usual one');
  return algorithms.map((name) => {
    const algorithm = supportedAlgorithms.find((known) => known === name);
    if (algorithm === undefined) {
      throw new SwobError(
        'CONFIG',
        `token algorithm ${name}: expected one of ${supportedAlgorithms.join(', ')}`,
      );
    }
    if (algorithm === 'HS256') {
      if (secret?.type === 'secret') return { algorithm, key: secret };
      throw new SwobError('CONFIG', 'token algorithm HS256 needs a secret; a public key is none');
    }
    if (key?.type === 'public' && key.asymmetricKeyType === 'rsa') return { algorithm, key };
    throw new SwobError('CONFIG', `token algorithm ${algorithm} needs an RSA public key`);
  });
}

/** By node:crypto alone: jsonwebtoken would take the token apart, and look at the key, once more. */
function isSigned(token: string, signature: Buffer, { algorithm, key }: PinnedKey): boolean {
  const signed = Buffer.from(token.slice(0, token.lastIndexOf('.')));
  if (algorithm === 'HS256') {
    const code = createHmac('sha256', key).update(signed).digest();
    return code.length === signature.length && timingSafeEqual(code, signature);
  }
  return verify(rsaHashes[algorithm], signed, { key, padding: constants.RSA_PKCS1_PADDING }, signature);
}

const rsaHashes = { RS256: 'sha256', RS384: 'sha384', RS512: 'sha512' } as const;

/** A token with exactly this JSON as its claims, good or not. Throws USAGE when the key does not fit the algorithm. */
export function signToken(claims: string, key: KeyObject, algorithm: TokenAlgorithm): string {
  try {
    // As text, because jsonwebtoken adds an `iat` to objects and refuses the odd claims that tests want.
    return jwt.sign(claims, key, { algorithm, header: { alg: algorithm, typ: 'JWT' } });
  } catch (error) {
    throw new SwobError('USAGE', `cannot sign with ${algorithm}: ${messageOf(error)}`, { cause: error });
  }
}

/** Header, payload and signature as they stand: nothing is verified. Throws BAD_INPUT when it is no token. */
export function decodeToken(token: string): TokenParts {
  const parts = parseToken(token);
  if (typeof parts === 'string') throw new SwobError('BAD_INPUT', `not a token: ${parts}`);
  return parts;
}
