// Sessions of the console, and the browsers that have signed in: a random id, of a session with its expiry, signed by a key that is
// derived from the admin token. Used by app/compose. They need no store: every node with the same admin token accepts them, also
// after a restart, and a new token ends them all.

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
  /** @returns the value of a cookie that proves that a browser has signed in; it opens nothing */
  issueBrowser(): string;
  /** The id of the browser; undefined for a value that was not issued here or by a node with the same token. */
  verifyBrowser(value: string): string | undefined;
}

const idBytes = 32;
const sessionInfo = 'swob console session 1';
const browserInfo = 'swob console browser 1';
const format = /^([\w-]{43})\.(\d{13,15})\.([\w-]{43})$/;
const browserFormat = /^([\w-]{43})\.([\w-]{43})$/;

export function createConsoleSessions(adminToken: string): ConsoleSessions {
  const sessions = createSigner(adminToken, sessionInfo);
  const browsers = createSigner(adminToken, browserInfo);
  return {
    isAdminToken: (token) => secretsEqual(token, adminToken),
    issue: (expiresAt) => sessions.sign(`${newId()}.${Math.ceil(expiresAt)}`),
    verify: (value, now) => {
      const [, id = '', expiry = '', signature = ''] = format.exec(value) ?? [];
      if (id === '' || !sessions.isSigned(`${id}.${expiry}`, signature)) return undefined;
      const expiresAt = Number(expiry);
      return expiresAt > now ? { id, expiresAt } : undefined;
    },
    issueBrowser: () => browsers.sign(newId()),
    verifyBrowser: (value) => {
      const [, id = '', signature = ''] = browserFormat.exec(value) ?? [];
      return id !== '' && browsers.isSigned(id, signature) ? id : undefined;
    },
  };
}

function newId(): string {
  return randomBytes(idBytes).toString('base64url');
}

/** @param info differs for each kind of value, so that none is valid as another kind */
function createSigner(adminToken: string, info: string) {
  const key = Buffer.from(hkdfSync('sha256', adminToken, '', info, 32));
  const signatureOf = (text: string): Buffer => createHmac('sha256', key).update(text).digest();
  return {
    /** The text with its signature. */
    sign: (text: string): string => `${text}.${signatureOf(text).toString('base64url')}`,
    isSigned: (text: string, signature: string): boolean => {
      const given = Buffer.from(signature, 'base64url');
      const expected = signatureOf(text);
      return given.length === expected.length && timingSafeEqual(given, expected);
    },
  };
}
