// Pairing a phone: session, handshake, password, shared key. Used by the gateway's sync routes; the
// sockets' view of a session is sync-sessions.ts. What is acknowledged is true and on disk.

import { oaepEncrypt } from '../crypto/oaep.ts';
import { type PhoneKey, readPublicKey, rereadPublicKey } from '../crypto/public-key.ts';
import { newSessionId, newSharedKey, sha256Hex } from '../crypto/random.ts';
import { SwobError } from '../errors.ts';
import { limited, takeAll } from './limiting.ts';
import type { RateLimit, Session, SessionPhone } from './model.ts';
import { createPasswordAttempts } from './password-attempts.ts';
import type { Bus, Caller, Clock, ServerKeys, Store } from './ports.ts';
import type { Platform, UserApi } from './upstreams.ts';

export interface Pairing {
  /** Opens a session. @returns its id; throws LIMITED. */
  open(userId: string, address: string): Promise<string>;
  /** Gives the session to the phone with this key (PEM) and pauses its socket. Throws BAD_INPUT, CONFLICT, LIMITED. */
  handshake(userId: string, sessionId: string, publicKey: string, caller: Caller): Promise<void>;
  /**
   * Checks the password (base64 of OAEP under the server's key) and pairs the phone.
   * Throws BAD_INPUT (session), UNAUTHENTICATED, LIMITED, UPSTREAM, UNAVAILABLE.
   */
  authenticate(userId: string, sessionId: string, password: string, caller: Caller): Promise<Paired>;
  /** A new id in place of the session's; for a sync service in another process. Throws NOT_FOUND, CONFLICT, LIMITED. */
  replace(userId: string, sessionId: string, address: string): Promise<string>;
  /** When the user's phone paired last, Unix time in seconds; undefined when none has. */
  pairedAt(userId: string): Promise<number | undefined>;
}

interface Paired {
  /** The shared key under the phone's key, OAEP, base64. */
  readonly sharedKey: string;
  readonly platforms: readonly Platform[];
}

export interface PairingDeps {
  readonly store: Pick<Store, 'sessions' | 'users' | 'limits'>;
  readonly bus: Bus;
  readonly clock: Clock;
  readonly users: UserApi;
  readonly keys: ServerKeys;
  readonly limits: {
    readonly sessions: RateLimit;
    readonly passwords: RateLimit;
    readonly guesses: RateLimit;
  };
  /** In production only sessions that were opened here exist. */
  readonly production: boolean;
}

/** Ciphertexts remembered for each user; more than any phone uses in its life. */
const maxDigests = 16;

export function createPairing(deps: PairingDeps): Pairing {
  const { store, bus, clock, users, keys, limits, production } = deps;
  const { sessions } = store;
  const passwords = createPasswordAttempts(store.limits, limits.passwords);

  /** Keys that were read at a handshake, for as long as the store has the phone in memory. */
  const phoneKeys = new WeakMap<SessionPhone, PhoneKey>();

  const open = async (userId: string, address: string): Promise<string> => {
    const refused = await takeAll(
      store.limits,
      [`session:address:${address}`, `session:user:${userId}`],
      limits.sessions,
    );
    if (refused) throw limited('new sessions', refused.seconds);
    const sessionId = newSessionId();
    await sessions.open(userId, sessionId);
    return sessionId;
  };

  /** Counts a request for a session that does not exist: session ids are not to be guessed. */
  const unknownSession = async (address: string, error: SwobError): Promise<SwobError> => {
    const refused = await takeAll(store.limits, [`guess:address:${address}`], limits.guesses);
    return refused ? limited('unknown sessions', refused.seconds) : error;
  };

  const handshake: Pairing['handshake'] = async (userId, sessionId, publicKey, { address, log }) => {
    const phoneKey = readPublicKey(publicKey);
    const phone: SessionPhone = { publicKey: phoneKey.pem, sharedKey: newSharedKey() };
    phoneKeys.set(phone, phoneKey);
    const outcome = await sessions.pause(userId, sessionId, phone);
    if (outcome === 'unknown') {
      throw await unknownSession(address, new SwobError('BAD_INPUT', "failed to update user's public key"));
    }
    if (outcome === 'taken') throw new SwobError('CONFLICT', 'another phone has taken this session');
    await bus.publish({ kind: 'pause', userId, sessionId }, log);
  };

  const authenticate: Pairing['authenticate'] = async (userId, sessionId, password, { address, log }) => {
    const phone = (await sessions.get(userId, sessionId))?.phone;
    if (!phone) throw await unknownSession(address, invalidSession());

    const attempt = await passwords.begin(userId, sessionId, address);
    if (attempt.refused) {
      if (attempt.burn) await sessions.remove(userId, sessionId);
      log.warn({ userId, burned: attempt.burn }, 'too many wrong passwords');
      throw attempt.error;
    }

    const phoneKey = phoneKeys.get(phone) ?? rereadPublicKey(phone.publicKey);
    const ciphertext = Buffer.from(password, 'base64');
    const digest = sha256Hex(ciphertext);
    const platforms = await platformsOf(userId, ciphertext, digest, phoneKey).catch(
      async (error: unknown) => {
        await attempt.end(false);
        throw error;
      },
    );
    await attempt.end(platforms === undefined);
    if (!platforms) throw new SwobError('UNAUTHENTICATED', 'failed to authenticate');

    const session = await sessions.get(userId, sessionId);
    await keep(userId, session, phone, digest);
    // Also when the phone asks again: the process that had paired it may have died before it told the socket.
    if (session?.state === 'paused' || session?.state === 'paired') {
      await sessions.complete(userId, sessionId);
      await bus.publish({ kind: 'ack', userId, sessionId }, log);
    }
    return {
      sharedKey: oaepEncrypt(phoneKey.key, Buffer.from(phone.sharedKey)).toString('base64'),
      platforms,
    };
  };

  /** The user's platforms, or undefined for every way in which a password can be wrong. */
  const platformsOf = async (
    userId: string,
    ciphertext: Buffer,
    digest: string,
    phoneKey: PhoneKey,
  ): Promise<Platform[] | undefined> => {
    const password = decodeUtf8(keys.decrypt(ciphertext));
    if (password === undefined) return undefined;
    // A ciphertext that another key sent before was captured on its way: it proves nothing.
    const claimed = await sessions.claimPassword(digest, phoneKey.fingerprint);
    const earlier = await store.users.get(userId);
    const replayed = earlier?.passwordDigests.includes(digest) && earlier.publicKey !== phoneKey.pem;
    return claimed && !replayed ? users.authenticate(userId, password) : undefined;
  };

  /** Puts the pairing on disk, once a session; a phone that asks again after another has paired comes too late. */
  const keep = async (
    userId: string,
    session: Session | undefined,
    phone: SessionPhone,
    digest: string,
  ): Promise<void> => {
    const current = await store.users.get(userId);
    if (current?.sharedKey === phone.sharedKey) return;
    if (session?.state !== 'paused') throw invalidSession();
    await store.users.put({
      userId,
      sessionId: session.sessionId,
      ...phone,
      pairedAt: clock.now() / 1_000,
      passwordDigests: [digest, ...(current?.passwordDigests ?? [])].slice(0, maxDigests),
    });
  };

  const replace: Pairing['replace'] = async (userId, sessionId, address) => {
    const fresh = newSessionId();
    const outcome = await sessions.rotate(userId, sessionId, fresh);
    if (outcome === 'rotated') return fresh;
    if (outcome === 'unknown' && !production) return open(userId, address);
    if (outcome === 'unknown') {
      throw await unknownSession(address, new SwobError('NOT_FOUND', 'no such session'));
    }
    throw new SwobError('CONFLICT', `session is ${outcome}`);
  };

  const pairedAt: Pairing['pairedAt'] = async (userId) => (await store.users.get(userId))?.pairedAt;

  return { open, handshake, authenticate, replace, pairedAt };
}

function invalidSession(): SwobError {
  return new SwobError('BAD_INPUT', 'invalid session requested');
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function decodeUtf8(bytes: Uint8Array | undefined): string | undefined {
  try {
    return bytes && strictUtf8.decode(bytes);
  } catch {
    return undefined;
  }
}
