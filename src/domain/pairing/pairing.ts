// Pairing of phones: session, handshake, password, shared key. A pairing is durable before it is acknowledged. Used by
// the gateway's pairing routes; sync-sessions.ts serves the sockets that show a session.

import { oaepEncrypt } from '../../crypto/oaep.ts';
import { type RsaPublicKey, readCanonicalPublicKey, readPublicKey } from '../../crypto/public-key.ts';
import { newSessionId, newSharedKey, sha256Hex } from '../../crypto/random.ts';
import { SwobError } from '../../errors.ts';
import type { RateLimit } from '../shared/model.ts';
import type { Clock, LimitStore, RequestContext } from '../shared/ports.ts';
import { consumeAll, rateLimited } from '../shared/rate-limiting.ts';
import { upstreamError } from '../shared/upstream-failure.ts';
import { formerKeysAfter } from '../shared/user-keys.ts';
import type { Session, SessionPhone } from './model.ts';
import { createPasswordAttempts } from './password-attempts.ts';
import type {
  Authentication,
  Bus,
  PasswordClaims,
  Platform,
  ServerKeys,
  SessionStore,
  UserApi,
  UserStore,
} from './ports.ts';
import { isRevokedKey } from './revocation.ts';

export interface Pairing {
  /** Opens a session. @returns its id; throws LIMITED. */
  open(userId: string, address: string): Promise<string>;
  /** Gives the session to the phone with this key (PEM) and pauses its socket. Throws BAD_INPUT, CONFLICT, LIMITED. */
  handshake(userId: string, sessionId: string, publicKey: string, context: RequestContext): Promise<void>;
  /**
   * Checks the password (base64 of OAEP under the server's key) and pairs the phone.
   * Throws BAD_INPUT (session), UNAUTHENTICATED, LIMITED, UPSTREAM, UNAVAILABLE.
   */
  authenticate(userId: string, sessionId: string, password: string, context: RequestContext): Promise<Paired>;
  /** Replaces the id of a session, for a sync service in another process. Throws NOT_FOUND, CONFLICT, LIMITED. */
  replace(userId: string, sessionId: string, address: string): Promise<string>;
  /** When the user's phone paired last, Unix time in seconds; undefined when none has, or when it was revoked. */
  pairedAt(userId: string): Promise<number | undefined>;
}

interface Paired {
  /** The shared key under the phone's key, OAEP, base64. */
  readonly sharedKey: string;
  readonly platforms: readonly Platform[];
}

export interface PairingDeps {
  readonly store: {
    readonly sessions: SessionStore;
    readonly passwordClaims: PasswordClaims;
    readonly users: UserStore;
    readonly limits: LimitStore;
  };
  readonly bus: Bus;
  readonly clock: Clock;
  readonly users: UserApi;
  readonly keys: ServerKeys;
  readonly limits: {
    readonly sessions: RateLimit;
    readonly passwords: RateLimit;
    readonly guesses: RateLimit;
  };
  /** How long a replaced key is kept, in milliseconds. */
  readonly formerKeyTtlMs: number;
  /** In production a session must have been opened here. */
  readonly production: boolean;
}

/** Digests stored for each user: more than a phone ever uses. */
const maxDigests = 16;
/** Attempts to replace a user's record that is replaced concurrently. */
const maxTries = 10;

export function createPairing(deps: PairingDeps): Pairing {
  const { store, bus, clock, users, keys, limits, production } = deps;
  const { sessions } = store;
  const passwords = createPasswordAttempts(store.limits, limits.passwords);

  /** Keys parsed at the handshake, while the store keeps the phone in memory. */
  const phoneKeys = new WeakMap<SessionPhone, RsaPublicKey>();

  const open = async (userId: string, address: string): Promise<string> => {
    const refused = await consumeAll(
      store.limits,
      [`session:address:${address}`, `session:user:${userId}`],
      limits.sessions,
    );
    if (refused) throw rateLimited('new sessions', refused.seconds);
    const sessionId = newSessionId();
    await sessions.open(userId, sessionId);
    return sessionId;
  };

  /** Counts a request for an unknown session, so that session ids cannot be guessed. */
  const unknownSession = async (address: string, error: SwobError): Promise<SwobError> => {
    const refused = await consumeAll(store.limits, [`guess:address:${address}`], limits.guesses);
    return refused ? rateLimited('unknown sessions', refused.seconds) : error;
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

    const phoneKey = phoneKeys.get(phone) ?? readCanonicalPublicKey(phone.publicKey);
    const ciphertext = Buffer.from(password, 'base64');
    const digest = sha256Hex(ciphertext);
    const result = await checkPassword(userId, ciphertext, digest, phoneKey).catch(async (error: unknown) => {
      await attempt.end(false);
      throw error;
    });
    await attempt.end(result.kind === 'refused');
    if (result.kind === 'failed') throw upstreamError(result);
    if (result.kind === 'refused') throw new SwobError('UNAUTHENTICATED', 'failed to authenticate');

    const session = await sessions.get(userId, sessionId);
    await storePairing(userId, session, phone, digest);
    // Also for a repeated request, because the process that paired the phone may have died before it published the
    // event.
    if (session?.state === 'paused' || session?.state === 'paired') {
      await sessions.complete(userId, sessionId);
      await bus.publish({ kind: 'ack', userId, sessionId }, log);
    }
    return {
      sharedKey: oaepEncrypt(phoneKey.key, Buffer.from(phone.sharedKey)).toString('base64'),
      platforms: result.platforms,
    };
  };

  /** Refuses every kind of wrong password. Throws as the store does. */
  const checkPassword = async (
    userId: string,
    ciphertext: Buffer,
    digest: string,
    phoneKey: RsaPublicKey,
  ): Promise<Authentication> => {
    const password = decodeUtf8(keys.decrypt(ciphertext));
    if (password === undefined) return { kind: 'refused' };
    // A ciphertext that was sent with another key before may have been captured: it proves nothing.
    const claimed = await store.passwordClaims.claim(digest, phoneKey.fingerprint);
    const earlier = await store.users.get(userId);
    const replayed = earlier?.passwordDigests.includes(digest) && earlier.publicKey !== phoneKey.pem;
    return claimed && !replayed ? users.authenticate(userId, password) : { kind: 'refused' };
  };

  /**
   * Stores the pairing once a session. Throws BAD_INPUT for a phone that repeats its request after another has paired.
   */
  const storePairing = async (
    userId: string,
    session: Session | undefined,
    phone: SessionPhone,
    digest: string,
  ): Promise<void> => {
    for (let tries = 0; tries < maxTries; tries++) {
      // Reads durably, as an earlier attempt may have written the record and then failed for want of a replica.
      const current = await store.users.getDurable(userId);
      if (current?.sharedKey === phone.sharedKey) return;
      // A pairing that was revoked before its session was completed stays revoked when the phone repeats its request.
      if (session?.state !== 'paused' || isRevokedKey(current, phone.sharedKey)) throw invalidSession();
      const now = clock.now() / 1_000;
      const user = {
        userId,
        sessionId: session.sessionId,
        ...phone,
        pairedAt: now,
        formerKeys: formerKeysAfter(current, now, deps.formerKeyTtlMs),
        passwordDigests: [digest, ...(current?.passwordDigests ?? [])].slice(0, maxDigests),
        ...(current?.revokedKeys && { revokedKeys: current.revokedKeys }),
      };
      // Fails when another phone has paired meanwhile; its key is then a former one.
      if (await store.users.replace(user, current)) return;
    }
    throw new SwobError('UNAVAILABLE', 'too many phones of this user pair at the same time; try again', {
      retryAfter: 1,
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

  const pairedAt: Pairing['pairedAt'] = async (userId) => {
    const user = await store.users.get(userId);
    return user?.revokedAt === undefined ? user?.pairedAt : undefined;
  };

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
