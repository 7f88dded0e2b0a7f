// A phone's steps one by one, for tests that send something else at one of them.

import {
  type Answer,
  encryptFor,
  handshakeUrlOf,
  openSession,
  type Phone,
  shakeHands,
} from '../support/phone.ts';
import { phone, type World } from './world.ts';

export interface Shaken {
  readonly handshakeUrl: string;
  /** Where the password goes. */
  readonly url: string;
  readonly serverKey: string;
}

/** A new session that this phone has taken. */
export async function shake(world: World, user = 'alice', by: Phone = phone): Promise<Shaken> {
  const handshakeUrl = handshakeUrlOf(world.gateway, await openSession(world.gateway, user));
  const { publicKey, verificationUrl } = await shakeHands(handshakeUrl, by);
  return { handshakeUrl, url: verificationUrl, serverKey: publicKey };
}

export const sealed = (serverKey: string, password: string | readonly number[]): string =>
  encryptFor(
    serverKey,
    Uint8Array.from(typeof password === 'string' ? Buffer.from(password) : password),
  ).toString('base64');

/** All of an answer that could tell one failure from another. */
export function visible({ status, text, headers }: Answer) {
  const fixed = [...headers].filter(([name]) => name !== 'date' && name !== 'x-request-id');
  return { status, text, headers: Object.fromEntries(fixed) };
}
