// Sessions of the console: a random id and an expiry, signed by a key that is derived from the admin token. Used by
// app/compose. They need no store: every node with the same admin token accepts them, also after a restart, and a new
// token ends them all.

import { createHmac, hkdfSync, randomBytes, timingSafeEqual } from 'node:crypto';
import { secretsEqual } from './constant-time.ts';

export interface ConsoleSession {
  /** 256 random bits in base64url. */
  readonly id: string;
  /** Unix time in milliseconds. */
  readonly expiresAt: number;
}

export interface ConsoleSessions {
  isAdminToken(token: string): boolean;
  /** @returns the value of the cookie */
  issue(expiresAt: number): string;
  /** Undefined for a value that was not issued here or by a node with the same token, or that has expired at `now`. */
  verify(value: string, now: number): ConsoleSession | undefined;
}

const idBytes = 32;
const info = 'swob console session 1';
const format = /^([\w-]{43})\.(\d{13,15})\.([\w-]{43})$/;

export function createConsoleSessions(adminToken: string): ConsoleSessions {
  const key = Buffer.from(hkdfSync('sha256', adminToken, '', info, 32));
  const sign = (signed: string): Buffer => createHmac('sha256', key).update(signed).digest();
  return {
    isAdminToken: (token) => secretsEqual(token, adminToken),
    issue: (expiresAt) => {
      const signed = `${randomBytes(idBytes).toString('base64url')}.${Math.ceil(expiresAt)}`;
      return `${signed}.${sign(signed).toString('base64url')}`;
    },
    verify: (value, now) => {
      const [, id = '', expiry = '', signature = ''] = format.exec(value) ?? [];
      if (id === '') return undefined;
      const given = Buffer.from(signature, 'base64url');
      const expected = sign(`${id}.${expiry}`);
      if (given.length !== expected.length || !timingSafeEqual(given, expected)) return undefined;
      const expiresAt = Number(expiry);
      return expiresAt > now ? { id, expiresAt } : undefined;
    },
  };
}
