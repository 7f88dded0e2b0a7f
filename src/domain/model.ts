// The nouns of the gateway, as the store keeps them. Wire names are the gateway's business.

export type SeedType = 'seed' | 'seeder';

/** A gateway client (phone or modem with a SIM) that says it is alive. */
export interface Seed {
  readonly imsi: string;
  readonly msisdn: string;
  readonly seedType: SeedType;
  /** Last Ping Session: Unix time of the last ping, in seconds with a fraction. */
  readonly lps: number;
}

/**
 * - `open`: its URL may be scanned; rotation replaces it
 * - `paused`: a phone has posted its key; waits for the password
 * - `paired`: acknowledged; kept for a while so that a phone that lost the answer may ask again
 */
export type SessionState = 'open' | 'paused' | 'paired';

/** One run of pairing: short-lived, identified by user id and session id together. */
export interface Session {
  readonly userId: string;
  readonly sessionId: string;
  readonly state: SessionState;
  /** Present from `paused` on. */
  readonly phone?: SessionPhone;
}

/** The phone that holds a session, and the key that it will share with the server once paired. */
export interface SessionPhone {
  /** The phone's RSA public key, SPKI PEM. */
  readonly publicKey: string;
  /** Made once a session, so that a phone that asks twice gets the same one. Secret. */
  readonly sharedKey: string;
}

/** A user whose phone has paired: the durable outcome of a session. */
export interface PairedUser {
  readonly userId: string;
  /** The session that made this pairing. */
  readonly sessionId: string;
  /** The phone's RSA public key, SPKI PEM. */
  readonly publicKey: string;
  /** 32 lower-case hex characters, used as 32 bytes of text (AES-256). Secret. */
  readonly sharedKey: string;
  /** Unix time in seconds. */
  readonly pairedAt: number;
  /** SHA-256 of the password ciphertexts that were accepted, newest first: none is accepted for another key. */
  readonly passwordDigests: readonly string[];
}

/** A web page or terminal that shows QR codes is told of these. */
export interface SessionEvent {
  readonly kind: 'pause' | 'ack';
  readonly userId: string;
  readonly sessionId: string;
}

/** At most `count` events in a window of `windowMs` milliseconds that the first one opens; `off`: no limit. */
export type RateLimit = { readonly count: number; readonly windowMs: number } | 'off';

/** A Wi-Fi user's session as the PCRF knows it; every value is already checked and canonical. */
export interface WifiSession {
  /** Digits, kept as text: it can have 19. */
  readonly sessionId: string;
  /** Address of the NAS; data only, never called. */
  readonly nasIp: string;
  readonly vrf: string;
  /** `FC-45-96-5F-50-AC` */
  readonly clientMac: string;
}

/** An SMS for the Publisher, as a gateway client or Twilio received it. */
export interface InboundSms {
  /** Where it came in: `gateway-client` or `twilio`. */
  readonly platform: string;
  /** Sender, as it was given. */
  readonly msisdn: string;
  /** As it came: encrypted under the sender's shared key. */
  readonly text: string;
  /** The plain text, once it has been decrypted: a sender who pairs again has another key. Secret. */
  readonly message?: string;
}

/** What happened to a message, and when (Unix time in milliseconds). Never a message or a key. */
export interface LifeEvent {
  readonly at: number;
  readonly what: string;
}

/** Something that has to be delivered and could not be yet. */
export interface Parcel<T> {
  /** Letters, digits and `-`. */
  readonly id: string;
  readonly content: T;
  /** From when its age counts, Unix time in milliseconds: its arrival, or an operator's wish to try again. */
  readonly since: number;
  /** When it is tried next, Unix time in milliseconds; null when it was given up. */
  readonly dueAt: number | null;
  /** Attempts since `since`. */
  readonly attempts: number;
  /** Oldest first, bounded. */
  readonly life: readonly LifeEvent[];
}

/** What is remembered of an inbound SMS that the Publisher has. */
export interface Receipt {
  /** What its sender was told. */
  readonly answer: 'published' | 'accepted';
  readonly life: readonly LifeEvent[];
}

/** A result that a developer wants to be told of. */
export interface Callback {
  readonly url: string;
  /** JSON, as it is sent. */
  readonly body: string;
}

/** One outgoing SMS, for the gateway clients of one operator of one developer. */
export interface OutgoingSms {
  readonly authId: string;
  /** As gateway clients name it in their queue, e.g. `MTN Cameroon`. */
  readonly operatorName: string;
  /** E.164 */
  readonly number: string;
  readonly text: string;
}

/** What a developer's request was answered, remembered so that the same request gets it again. */
export interface RememberedAnswer {
  /** SHA-256 of the request that it answers. */
  readonly request: string;
  /** JSON, as it was sent. */
  readonly body: string;
}
