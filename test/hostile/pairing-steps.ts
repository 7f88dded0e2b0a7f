// A phone's steps one by one, for tests that send something else at one of them.

import {
  encryptFor,
  handshakeUrlOf,
  openSession,
  type Phone,
  shakeHands,
  type TextResponse,
} from '../support/phone.ts';
import { type AttackedServices, phone } from './attacked-services.ts';

export interface OpenHandshake {
  readonly handshakeUrl: string;
  /** Where the password goes. */
  readonly url: string;
  readonly serverKey: string;
}

/** A new session that this phone has taken. */
export async function openHandshake(
  services: AttackedServices,
  user = 'alice',
  by: Phone = phone,
): Promise<OpenHandshake> {
  const handshakeUrl = handshakeUrlOf(services.gateway, await openSession(services.gateway, user));
  const { publicKey, verificationUrl } = await shakeHands(handshakeUrl, by);
  return { handshakeUrl, url: verificationUrl, serverKey: publicKey };
}

export const encryptedPassword = (serverKey: string, password: string | readonly number[]): string =>
  encryptFor(
    serverKey,
    Uint8Array.from(typeof password === 'string' ? Buffer.from(password) : password),
  ).toString('base64');

/** All of an answer that could distinguish one failure from another. */
export function distinguishable({ status, text, headers }: TextResponse) {
  const fixed = [...headers].filter(([name]) => name !== 'date' && name !== 'x-request-id');
  return { status, text, headers: Object.fromEntries(fixed) };
}
