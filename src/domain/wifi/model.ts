// A Wi-Fi session as the PCRF knows it.

/** A session of a Wi-Fi user; every value is validated and canonical. */
export interface WifiSession {
  /** Digits as text, because it may have 19. */
  readonly sessionId: string;
  /** Address of the NAS, passed on and never called. */
  readonly nasIp: string;
  readonly vrf: string;
  /** `FC-45-96-5F-50-AC` */
  readonly clientMac: string;
}
