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
import type { SessionPhone } from './model.ts';
import { countWrongPassword, createRunningAttempts, refundAttempt } from './password-attempts.ts';
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
import { type BegunPassword, createPairingSteps, type PairingSteps, type SentPassword } from './steps.ts';

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
    /** Undefined where it can as well be made of the others. */
    readonly pairingSteps?: PairingSteps | undefined;
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
  /** In production a session must have been opened here. */
  readonly production: boolean;
}

type CheckedPassword =
  | Exclude<BegunPassword, { readonly kind: 'begun' }>
  | Exclude<Authentication, { readonly kind: 'accepted' }>
  | (Extract<Authentication, { readonly kind: 'accepted' }> & {
      readonly phone: SessionPhone;
      readonly phoneKey: RsaPublicKey;
    });

export function createPairing(deps: PairingDeps): Pairing {
  const { store, bus, clock, users, keys, limits, production } = deps;
  const { sessions } = store;
  const steps = store.pairingSteps ?? createPairingSteps(store, clock);
  const runningAttempts = createRunningAttempts();

  /** Keys parsed at the handshake, while the store keeps the phone in memory. */
  const phoneKeys = new WeakMap<SessionPhone, RsaPublicKey>();

  const open = async (userId: string, address: string): Promise<string> => {
    const sessionId = newSessionId();
    const exceeded = await steps.open({ userId, sessionId, address }, limits.sessions);
    if (exceeded) throw rateLimited('new sessions', exceeded.seconds);
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
    const ciphertext = Buffer.from(password, 'base64');
    const sent = { userId, sessionId, address, digest: sha256Hex(ciphertext) };
    const checked = await checkPassword(sent, ciphertext);
    if (checked.kind === 'unknown') throw await unknownSession(address, invalidSession());
    if (checked.kind === 'limited') {
      log.warn({ userId, sessionInvalidated: checked.invalidatesSession }, 'too many wrong passwords');
      throw rateLimited('wrong passwords', checked.seconds);
    }
    if (checked.kind === 'refused') {
      await countWrongPassword(store.limits, limits.passwords, sent);
      throw new SwobError('UNAUTHENTICATED', 'failed to authenticate');
    }
    if (checked.kind === 'failed') {
      await refundAttempt(store.limits, limits.passwords, sent);
      throw upstreamError(checked);
    }
    const { phone, phoneKey, platforms } = checked;
    const stored = await steps.pair(sent, limits.passwords, phone.sharedKey);
    if (stored === 'invalid') throw invalidSession();
    if (stored === 'contended') {
      throw new SwobError('UNAVAILABLE', 'too many phones of this user pair at the same time; try again', {
        retryAfter: 1,
      });
    }
    // Also for a repeated request, because the process that paired the phone may have died before it published the
    // event.
    if (stored === 'paired') await bus.publish({ kind: 'ack', userId, sessionId }, log);
    return {
      sharedKey: oaepEncrypt(phoneKey.key, Buffer.from(phone.sharedKey)).toString('base64'),
      platforms,
    };
  };

  /** Counts the password as wrong unless it is `unknown` or `limited`. Refuses every kind of wrong password. */
  const checkPassword = async (sent: SentPassword, ciphertext: Buffer): Promise<CheckedPassword> => {
    const attempt = runningAttempts.start(sent.address);
    try {
      const begun = await steps.beginPassword(sent, limits.passwords, attempt.tooManyRunning);
      if (begun.kind !== 'begun') return begun;
      const { phone, isFresh } = begun;
      try {
        const phoneKey = phoneKeys.get(phone) ?? readCanonicalPublicKey(phone.publicKey);
        const password = decodeUtf8(keys.decrypt(ciphertext));
        if (password === undefined || !isFresh) return { kind: 'refused' };
        const result = await users.authenticate(sent.userId, password);
        return result.kind === 'accepted' ? { ...result, phone, phoneKey } : result;
      } catch (error) {
        await refundAttempt(store.limits, limits.passwords, sent);
        throw error;
      }
    } finally {
      attempt.end();
    }
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
