// What the registered claims of a token must say (RFC 7519, section 4.1): the rules that jsonwebtoken does not have,
// and our messages for the ones that it has. Used by jwt.ts.

import jwt from 'jsonwebtoken';
import { formatDuration } from '../config/value-types.ts';
import type { JsonObject } from './jwt-format.ts';

export interface ClaimRules {
  /** The only `iss` that is accepted; absent or empty: any. */
  readonly issuer?: string;
  /** What `aud` must be or contain; absent or empty: anything. */
  readonly audience?: string;
  /** How far the signer's clock may differ. */
  readonly leewayMs: number;
  /** The setting of the leeway as messages name it: `[validation] leeway`. */
  readonly leewaySetting: string;
  /** The longest time from `iat` to `exp`; 0 for any. */
  readonly maxLifetimeMs: number;
}

/** What is checked, in the order in which errors are reported. */
const claimNames = ['exp', 'nbf', 'iat', 'lifetime', 'iss', 'aud'] as const;
type ClaimName = (typeof claimNames)[number];

/** At most one message for each claim. */
export type ClaimErrors = Map<ClaimName, string>;

export function listErrors(errors: ClaimErrors): string[] {
  return claimNames.flatMap((name) => errors.get(name) ?? []);
}

/**
 * Errors that jsonwebtoken does not report: a missing or infinite time, milliseconds for seconds, an `iat` in the
 * future, a lifetime above the maximum.
 */
export function checkOwnRules(claims: JsonObject, rules: ClaimRules, nowMs: number): ClaimErrors {
  const { exp, nbf, iat } = claims;
  const errors: ClaimErrors = new Map();
  const report = (name: ClaimName, error: string | undefined): void => {
    if (error !== undefined) errors.set(name, error);
  };
  report('exp', exp === undefined ? 'exp is missing' : timeError('exp', exp));
  if (nbf !== undefined) report('nbf', timeError('nbf', nbf));
  if (iat !== undefined) report('iat', timeError('iat', iat) ?? futureError('iat', iat, rules, nowMs));
  report('lifetime', lifetimeError(claims, rules.maxLifetimeMs / 1000));
  return errors;
}

/** The claim that jsonwebtoken rejected, with our message; undefined when it rejected something else. */
export function describeRejection(
  error: unknown,
  claims: JsonObject,
  rules: ClaimRules,
  nowMs: number,
): readonly [ClaimName, string] | undefined {
  const { exp, nbf, iss, aud } = claims;
  if (error instanceof jwt.TokenExpiredError) return ['exp', expiredText(exp, rules, nowMs)];
  if (error instanceof jwt.NotBeforeError) return ['nbf', futureText('nbf', nbf, rules, nowMs)];
  if (!(error instanceof jwt.JsonWebTokenError)) return undefined;
  if (error.message.startsWith('jwt issuer invalid')) {
    return ['iss', iss === undefined ? 'iss is missing' : `iss is not ${rules.issuer}`];
  }
  if (error.message.startsWith('jwt audience invalid')) {
    return ['aud', aud === undefined ? 'aud is missing' : `aud is not ${rules.audience}`];
  }
  return undefined;
}

/** Seconds of the year 5138, and milliseconds of 1973: no token in use means either. */
const maxSeconds = 1e11;

const isSeconds = (time: number): boolean => Math.abs(time) < maxSeconds;

/** JSON's 1e400 is Infinity. */
function isTime(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}

function timeError(name: 'exp' | 'nbf' | 'iat', value: unknown): string | undefined {
  if (name === 'exp' && !(isTime(value) && value > 0)) return 'exp is not a positive number';
  if (!isTime(value)) return `${name} is not a number`;
  return isSeconds(value) ? undefined : `${name} is too large: it counts seconds, not milliseconds`;
}

function futureError(name: 'iat', value: unknown, rules: ClaimRules, nowMs: number): string | undefined {
  return Number(value) * 1000 - nowMs > rules.leewayMs ? futureText(name, value, rules, nowMs) : undefined;
}

function lifetimeError({ iat, exp }: JsonObject, max: number): string | undefined {
  if (max === 0 || !isTime(exp) || !isSeconds(exp)) return undefined;
  if (iat === undefined) return 'iat is missing, so its lifetime is not known';
  if (!isTime(iat) || !isSeconds(iat) || exp - iat <= max) return undefined;
  return `its lifetime (exp - iat) of ${exp - iat} s is above the maximum of ${max} s`;
}

function expiredText(exp: unknown, rules: ClaimRules, nowMs: number): string {
  const lateMs = nowMs - Number(exp) * 1000;
  return `expired at ${timeText(exp)} (exp), ${skewText(lateMs)} ago; ${leewayText(rules)}`;
}

function futureText(name: 'nbf' | 'iat', value: unknown, rules: ClaimRules, nowMs: number): string {
  const earlyMs = Number(value) * 1000 - nowMs;
  return `${name} is in the future (${timeText(value)}), by ${skewText(earlyMs)}; ${leewayText(rules)}`;
}

/** How far two clocks differ: whole seconds, or milliseconds below one second. */
function skewText(ms: number): string {
  return ms < 1_000 ? `${Math.round(ms)} ms` : `${Math.floor(ms / 1_000)} s`;
}

function leewayText({ leewayMs, leewaySetting }: ClaimRules): string {
  return `${leewaySetting} is ${formatDuration(leewayMs)}`;
}

/** ISO 8601, or the number of seconds where a Date cannot hold it. */
function timeText(seconds: unknown): string {
  const date = new Date(Number(seconds) * 1000);
  return Number.isNaN(date.getTime()) ? String(seconds) : date.toISOString();
}
