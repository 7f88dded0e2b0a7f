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
