// Signs, verifies and decodes JSON Web Tokens. Used by the disconnect service and the `swob jwt` commands.

import type { KeyObject } from 'node:crypto';
import jwt from 'jsonwebtoken';
import type { Clock } from '../domain/shared/ports.ts';
import type { TokenVerifier } from '../domain/wifi/ports.ts';
import { messageOf, SwobError } from '../errors.ts';
import {
  type ClaimErrors,
  type ClaimRules,
  checkOwnRules,
  describeRejection,
  listErrors,
} from './jwt-claims.ts';
import { headerErrors, type JsonObject, parseToken, type TokenParts } from './jwt-format.ts';
import { largeIntegers } from './strict-json.ts';

/** Algorithms that the configuration may name. */
export const supportedAlgorithms = ['RS256', 'RS384', 'RS512', 'HS256'] as const;
export type TokenAlgorithm = (typeof supportedAlgorithms)[number];

export interface TokenVerifierOptions extends ClaimRules {
  /** RSA public key, for RS* only. */
  readonly key: KeyObject | undefined;
  /** Secret shared with the signer, for HS256 only. */
  readonly secret: KeyObject | undefined;
  /** The only algorithms that are accepted, whatever a token names. */
  readonly algorithms: readonly string[];
  readonly clock: Pick<Clock, 'now'>;
}

interface TokenCheck {
  /**
   * Present when the signature is valid, even if a claim is not. Whole numbers that a double cannot represent exactly are
   * the text of their digits, as they were signed.
   */
  readonly claims: JsonObject | undefined;
  /** Empty for a valid token. */
  readonly errors: readonly string[];
}

export interface CheckingVerifier extends TokenVerifier {
  /** As `verify`, but returns the errors instead of throwing. */
  check(token: string): TokenCheck;
}

/**
 * A verifier with pinned keys and algorithms. Our strict check of form and header comes first; then jsonwebtoken
 * verifies the signature and the standard claims. Throws CONFIG when an algorithm is unknown or its key is missing.
 */
export function createTokenVerifier(options: TokenVerifierOptions): CheckingVerifier {
  const { clock, algorithms } = options;
  const keys = pinnedKeys(options);

  const check = (token: string): TokenCheck => {
    const parts = parseToken(token);
    if (typeof parts === 'string') return { claims: undefined, errors: [parts] };
    const { header, payload, payloadText } = parts;
    const formErrors = headerErrors(header, algorithms);
    if (formErrors.length > 0) return { claims: undefined, errors: formErrors };
    const pinned = keys.find(({ algorithm }) => algorithm === header.alg);
    const errors = pinned && checkSigned(token, payload, pinned, options, clock.now());
    return errors
      ? { claims: { ...payload, ...largeIntegers(payloadText) }, errors: listErrors(errors) }
      : { claims: undefined, errors: ['its signature does not match the key'] };
  };

  return {
    check,
    verify: (token) => {
      const { claims, errors } = check(token);
      if (claims && errors.length === 0) return claims;
      throw new SwobError('UNAUTHENTICATED', `token refused: ${errors.join(', ')}`);
    },
  };
}

/**
 * All errors of the claims of a token whose signature is good; undefined when that is not so. jsonwebtoken stops at the
 * first error, so it is called again without the checks that have failed: only a signer can cause this work.
 */
function checkSigned(
  token: string,
  payload: JsonObject,
  { algorithm, key }: PinnedKey,
  rules: ClaimRules,
  nowMs: number,
): ClaimErrors | undefined {
  const errors = checkOwnRules(payload, rules, nowMs);
  for (;;) {
    try {
      jwt.verify(token, key, {
        algorithms: [algorithm],
        // 0 would make jsonwebtoken read the clock itself.
        clockTimestamp: nowMs / 1000 || Number.MIN_VALUE,
        clockTolerance: rules.leewayMs / 1000,
        ignoreExpiration: errors.has('exp'),
        ignoreNotBefore: errors.has('nbf'),
        ...(rules.issuer && !errors.has('iss') && { issuer: rules.issuer }),
        ...(rules.audience && !errors.has('aud') && { audience: rules.audience }),
      });
      return errors;
    } catch (error) {
      const rejection = describeRejection(error, payload, rules, nowMs);
      if (!rejection || errors.has(rejection[0])) return undefined;
      errors.set(...rejection);
    }
  }
}

interface PinnedKey {
  readonly algorithm: TokenAlgorithm;
  readonly key: KeyObject;
}

/** The key of each algorithm. A public key is never used as a secret, wherever it was configured. */
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

/** A token with exactly this JSON as its claims, valid or not. Throws USAGE when the key does not fit the algorithm. */
export function signToken(claims: string, key: KeyObject, algorithm: TokenAlgorithm): string {
  try {
    // As text, because jsonwebtoken adds an `iat` to objects and rejects the invalid claims that tests need.
    return jwt.sign(claims, key, { algorithm, header: { alg: algorithm, typ: 'JWT' } });
  } catch (error) {
    throw new SwobError('USAGE', `cannot sign with ${algorithm}: ${messageOf(error)}`, { cause: error });
  }
}

/** Header, payload and signature, unverified. Throws BAD_INPUT when the text is not a token. */
export function decodeToken(token: string): TokenParts {
  const parts = parseToken(token);
  if (typeof parts === 'string') throw new SwobError('BAD_INPUT', `not a token: ${parts}`);
  return parts;
}
