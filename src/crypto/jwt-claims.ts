// The rules that the registered claims of a token are held to (RFC 7519, section 4.1). Used by jwt.ts.

import type { JsonObject } from './jwt-format.ts';

export interface ClaimRules {
  /** The one `iss` that is accepted; absent or empty where each is accepted. */
  readonly issuer?: string;
  /** What `aud` must be or contain; absent or empty: anything. */
  readonly audience?: string;
  /** How far the signer's clock may be off. */
  readonly leewayMs: number;
  /** The longest time from `iat` to `exp`; 0 for any. */
  readonly maxLifetimeMs: number;
}

/** Every rule that the claims break at `nowMs`, by the claim's name. */
export function claimFaults(claims: JsonObject, rules: ClaimRules, nowMs: number): string[] {
  const now = nowMs / 1000;
  const leeway = rules.leewayMs / 1000;
  return [
    ...expiryFaults(claims.exp, now - leeway),
    ...startFaults('nbf', claims.nbf, now + leeway),
    ...startFaults('iat', claims.iat, now + leeway),
    ...lifetimeFaults(claims, rules.maxLifetimeMs / 1000),
    ...issuerFaults(claims.iss, rules.issuer),
    ...audienceFaults(claims.aud, rules.audience),
  ];
}

function expiryFaults(exp: unknown, now: number): string[] {
  if (exp === undefined) return ['exp is missing'];
  if (!isTime(exp) || exp <= 0) return ['exp is not a positive number'];
  return now >= exp ? [`expired at ${timeText(exp)} (exp)`] : [];
}

function startFaults(name: 'nbf' | 'iat', value: unknown, now: number): string[] {
  if (value === undefined) return [];
  if (!isTime(value)) return [`${name} is not a number`];
  return value > now ? [`${name} is in the future (${timeText(value)})`] : [];
}

function lifetimeFaults({ iat, exp }: JsonObject, max: number): string[] {
  if (max === 0 || !isTime(exp)) return [];
  if (iat === undefined) return ['iat is missing, so its lifetime is not known'];
  if (!isTime(iat) || exp - iat <= max) return [];
  return [`its lifetime (exp - iat) of ${exp - iat} s is above the maximum of ${max} s`];
}

function issuerFaults(iss: unknown, expected: string | undefined): string[] {
  if (!expected || iss === expected) return [];
  return [iss === undefined ? 'iss is missing' : `iss is not ${expected}`];
}

function audienceFaults(aud: unknown, expected: string | undefined): string[] {
  if (!expected) return [];
  if (aud === undefined) return ['aud is missing'];
  const named: readonly unknown[] = Array.isArray(aud) ? aud : [aud];
  return named.includes(expected) ? [] : [`aud is not ${expected}`];
}

/** JSON's 1e400 is Infinity. */
function isTime(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}

/** ISO 8601 where a date can hold it. */
function timeText(seconds: number): string {
  const date = new Date(seconds * 1000);
  return Number.isNaN(date.getTime()) ? String(seconds) : date.toISOString();
}
