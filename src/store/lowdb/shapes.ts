// What the files of the lowdb store must look like.

import type { PairedUser, Seed } from '../../domain/model.ts';

export function isUser(value: unknown): value is PairedUser {
  return (
    isObject(value) &&
    isText(value.userId) &&
    isText(value.sessionId) &&
    isText(value.publicKey) &&
    isText(value.sharedKey) &&
    isTime(value.pairedAt) &&
    Array.isArray(value.passwordDigests) &&
    value.passwordDigests.every(isText)
  );
}

export function isSeed(value: unknown): value is Seed {
  return (
    isObject(value) &&
    isText(value.imsi) &&
    isText(value.msisdn) &&
    (value.seedType === 'seed' || value.seedType === 'seeder') &&
    isTime(value.lps)
  );
}

/** LPS by IMSI. */
export function isLpsFile(value: unknown): value is Record<string, number> {
  return isObject(value) && Object.values(value).every(isTime);
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}
