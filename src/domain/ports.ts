// What the domain needs of the world. Adapters live in store, bus, upstream and app; the contract
// suites in test/contract hold every adapter of a port to the same behaviour.

import type {
  Callback,
  InboundSms,
  PairedUser,
  Parcel,
  RateLimit,
  Receipt,
  RememberedAnswer,
  Seed,
  Session,
  SessionEvent,
  SessionPhone,
  SessionState,
} from './model.ts';

/** Time, injected so that no test sleeps and expiry is exact. */
export interface Clock {
  /** Wall time in milliseconds since the Unix epoch; can be set back by the operator. */
  now(): number;
  /** Milliseconds from an arbitrary start; never goes back. */
  monotonic(): number;
  /** Runs `fn` once after `ms` milliseconds; the returned function cancels it. */
  after(ms: number, fn: () => void): () => void;
  /** Runs `fn` every `ms` milliseconds; the returned function stops it. Never keeps the process alive. */
  every(ms: number, fn: () => void): () => void;
}

/** Structured log lines: fields first, then the message. Never a token, password or key. */
export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** Who asks: where from, as limits count it, and the log of the request, whose lines carry its id. */
export interface Caller {
  readonly address: string;
  readonly log: Log;
}

export interface SeedStore {
  /**
   * Records a ping: at once where memory can, as most of all requests are pings. A new IMSI, or a changed MSISDN or
   * type, is on disk when this resolves; an LPS alone is within a second. Rejects with UNAVAILABLE when it cannot be
   * kept or the store is full.
   */
  ping(seed: Seed): void | Promise<void>;
  /**
   * The seeds whose last ping is at most `maxAgeMs` old, at once where they are in memory; measured so that a clock set
   * back revives none. A store that can tell answers the very same array while nothing has changed, and the same object
   * for a seed that has not pinged.
   */
  active(maxAgeMs: number): readonly Seed[] | Promise<readonly Seed[]>;
  /** One of them, by its IMSI. */
  getActive(imsi: string, maxAgeMs: number): Promise<Seed | undefined>;
  /** A seed whether active or not: what was last registered for this IMSI. */
  get(imsi: string): Promise<Seed | undefined>;
}

/** Short-lived sessions. Each method is atomic; each state has its own time to live. */
export interface SessionStore {
  /** Adds an open session. When too many are open, the oldest that no socket has shown are forgotten; no others. */
  open(userId: string, sessionId: string): Promise<void>;
  /**
   * A socket shows the session, or the one that has taken its place by rotations: when that is open, its time begins
   * anew, and it is this socket's to end. Undefined when it is unknown.
   */
  show(userId: string, sessionId: string, socketId: string): Promise<Session | undefined>;
  /** The session as `show` finds it, with nothing changed. */
  find(userId: string, sessionId: string): Promise<Session | undefined>;
  get(userId: string, sessionId: string): Promise<Session | undefined>;
  /**
   * Replaces an open session's id; the new one counts as shown. A phone's session stays as it is, and so does one that
   * another socket has shown since (`kept`). The id that the session was opened with still finds it by `show` and `find`,
   * and by nothing else.
   * @param socketId undefined: for a sync service that shares no store with us
   */
  rotate(
    userId: string,
    sessionId: string,
    newSessionId: string,
    socketId?: string,
  ): Promise<'rotated' | 'kept' | 'paused' | 'paired' | 'unknown'>;
  /**
   * Gives an open session to a phone and pauses it. The same public key again is 'paused' too (a phone
   * that lost the answer) and keeps the first shared key; another public key is 'taken'.
   */
  pause(userId: string, sessionId: string, phone: SessionPhone): Promise<'paused' | 'taken' | 'unknown'>;
  /** Marks a paused session as paired; anything else is left alone. */
  complete(userId: string, sessionId: string): Promise<void>;
  remove(userId: string, sessionId: string): Promise<void>;
  /** Forgets an open session; `kept` when another socket has shown it since. */
  end(
    userId: string,
    sessionId: string,
    socketId: string,
  ): Promise<'ended' | 'kept' | 'paused' | 'paired' | 'unknown'>;
  /**
   * Binds a password ciphertext (by its digest) to a phone's key (by its fingerprint), once and for
   * an hour. False when another key has it: a captured ciphertext is being replayed.
   */
  claimPassword(digest: string, fingerprint: string): Promise<boolean>;
}

export interface UserStore {
  get(userId: string): Promise<PairedUser | undefined>;
  /** On disk when this resolves; throws UNAVAILABLE, and keeps the earlier record, when it cannot be. */
  put(user: PairedUser): Promise<void>;
}

export interface LimitStore {
  /**
   * Counts one event against `limit`. 0 when allowed, else the seconds to wait: at once where memory knows, as most
   * requests take several.
   */
  take(key: string, limit: RateLimit): number | Promise<number>;
  /** What `take` would say now, without counting. */
  peek(key: string, limit: RateLimit): Promise<number>;
  /** Takes back an event that turned out not to count. */
  giveBack(key: string, limit: RateLimit): Promise<void>;
}

/** Remembers a value by its key for one fixed time, and only so many: the oldest give way. */
export interface MemoStore<T> {
  get(key: string): Promise<T | undefined>;
  /**
   * On disk when this resolves. Throws UNAVAILABLE when it cannot be; until the process ends the value is
   * remembered even then, because what it stands for has happened.
   */
  put(key: string, value: T): Promise<void>;
}

/** Parcels that wait for their next attempt, and parcels that were given up. */
export interface OutboxStore<T> {
  get(id: string): Promise<Parcel<T> | undefined>;
  /** Adds or replaces; on disk when this resolves. Throws UNAVAILABLE when it cannot be, or a new one finds no room. */
  put(parcel: Parcel<T>): Promise<void>;
  /** Forgets it; nothing happens when there is none. */
  remove(id: string): Promise<void>;
  /** Forgets it if it was given up and still is: an operator may wish to try it again at the same time. */
  discard(id: string): Promise<boolean>;
  /**
   * Ids of the parcels that are due at `now` (Unix milliseconds), the earliest first, `limit` at most. They are this
   * process's until it settles, puts or removes them; when it dies, another process gets them.
   */
  claim(now: number, limit: number): Promise<string[]>;
  /**
   * What came of a claimed parcel: what it is now, or undefined when it is done with. False, and nothing is changed, when
   * another process has claimed it since. Throws as `put` does.
   */
  settle(id: string, next: Parcel<T> | undefined): Promise<boolean>;
  /** Puts a claimed parcel off as it is; it need not be readable. */
  putOff(id: string, until: number): Promise<void>;
  /** When the earliest one is due that nobody has claimed, Unix time in milliseconds; undefined when none waits. */
  nextDue(): Promise<number | undefined>;
  /** Those that were given up, the oldest `since` first, `limit` at most; without those that cannot be read. */
  failed(limit: number): Promise<Parcel<T>[]>;
  count(): Promise<{ readonly waiting: number; readonly failed: number }>;
}

/** Work under way, known to all processes of a store that several share. */
export interface FlightStore {
  /** Begins one under this key, for `leaseMs` milliseconds; or says which is under way. */
  begin(key: string, leaseMs: number): Promise<{ readonly flight: string; readonly mine: boolean }>;
  /** It takes longer: another `leaseMs` from now. */
  renew(key: string, flight: string, leaseMs: number): Promise<void>;
  /** It is over; the outcome is kept for those who wait for it, some seconds long. */
  land(key: string, flight: string, outcome: string): Promise<void>;
  /** How it ended; `lost` when it was broken off or is long over. */
  look(key: string, flight: string): Promise<{ readonly outcome: string } | 'under way' | 'lost'>;
}

/** Everything that outlives a request. */
export interface Store {
  readonly seeds: SeedStore;
  readonly sessions: SessionStore;
  readonly users: UserStore;
  readonly limits: LimitStore;
  /** Inbound SMS that the Publisher does not have yet, and those that were given up. */
  readonly inbound: OutboxStore<InboundSms>;
  /** Inbound SMS that the Publisher has. */
  readonly published: MemoStore<Receipt>;
  /** Results that developers have not been told of yet. */
  readonly callbacks: OutboxStore<Callback>;
  /** What developers' requests were answered. */
  readonly answers: MemoStore<RememberedAnswer>;
  /** Undefined where no other process can have the store. */
  readonly flights?: FlightStore | undefined;
  /** What all processes that share it must have in common: the value that the first one gave. Undefined where none do. */
  readonly agree?: ((name: string, value: string) => Promise<string>) | undefined;
  /** Resolves when what is written now would be kept; throws UNAVAILABLE. Costs one small durable write. */
  probe(): Promise<void>;
  /** Writes what is still in memory and lets go of the lock; idempotent. */
  close(): Promise<void>;
}

export interface BusListener {
  heard(event: SessionEvent): void;
  /** Events may have been lost: the sessions tell what has become of them. */
  missed(): void;
}

/** Carries pause and ack from the gateway to the socket of that session, wherever it lives. */
export interface Bus {
  /**
   * Resolves when delivered, or when delivery was given up, which `log` is told, absent: the bus's own. Pairing never
   * fails by it.
   */
  publish(event: SessionEvent, log?: Log): Promise<void>;
  /** Listens to a user's events from when this resolves; the function stops it. Throws UNAVAILABLE. */
  subscribe(userId: string, listener: BusListener): Promise<() => void>;
  close(): Promise<void>;
}

/** Where a number comes from; null when unknown. */
export interface Telecom {
  /** Whether the number is E.164 and could exist. */
  isValid(msisdn: string): boolean;
  /** English country name of an E.164 number. */
  country(msisdn: string): string | null;
  /** Operator that an E.164 number was given to, by its prefix, e.g. `MTN Cameroon`. */
  carrier(msisdn: string): Promise<string | null>;
  /** Operator by the IMSI's MCC and MNC; `id` is both together, e.g. `62401`. */
  operator(imsi: string): { name: string | null; id: string | null };
}

/** The server's own RSA key pair. */
export interface ServerKeys {
  /** SPKI PEM, as handed to phones. */
  readonly publicKeyPem: string;
  /** OAEP (SHA-256, MGF1-SHA-1) decryption; `undefined` for every way in which it can fail. */
  decrypt(ciphertext: Uint8Array): Buffer | undefined;
}

/** A session, as the socket knows it that shows it. */
interface SyncSocket {
  readonly userId: string;
  /** Of the session as it is shown now. */
  readonly sessionId: string;
  /** Of the session as the socket was opened with it. */
  readonly openedWith: string;
  /** Random; tells sockets apart that show one session. */
  readonly socketId: string;
}

type SyncSession = Pick<Session, 'sessionId' | 'state'>;

/** What a socket needs to know of its session; local over the store, or remote over a gateway's HTTP. */
export interface SyncSessions {
  /** The session as a socket finds it; `sessionId` may be a fresh one that took its place. */
  attach(userId: string, openedWith: string, socketId: string): Promise<SyncSession | 'unknown'>;
  /** A new session id in place of the old one, unless a phone was faster. */
  rotate(socket: SyncSocket): Promise<{ sessionId: string } | 'paused' | 'paired' | 'unknown'>;
  /** What has become of the session: when word of it may have been lost. `unknown` also where nobody can tell. */
  look(userId: string, sessionId: string): Promise<SessionState | 'unknown'>;
  /** Forgets an open session, unless a phone was faster or another socket shows it now. */
  end(socket: SyncSocket): Promise<'ended' | 'paused' | 'paired'>;
}

/** Checks tokens against the key and the rules that are in force now. */
export interface TokenVerifier {
  /** The claims of a good token. Throws UNAUTHENTICATED, naming every rule that it breaks. */
  verify(token: string): Readonly<Record<string, unknown>>;
}
