// A Wi-Fi session as the PCRF and the NAS know it.

/** A session of a Wi-Fi user; every value is validated. */
export interface WifiSession {
  /** Digits as text, because it may have 19. */
  readonly sessionId: string;
  /** Address of the NAS, as the token spells it. The PCRF gets it as data; RADIUS packets go there only if a [nas] section has it. */
  readonly nasIp: string;
  readonly vrf: string;
  /** `FC-45-96-5F-50-AC` */
  readonly clientMac: string;
  /** The token's `sub`, the User-Name of RADIUS; absent when it is not usable text. */
  readonly userName?: string;
  /** The token's `clientIp`, the Framed-IP-Address of RADIUS; absent when the token has none, or no address. */
  readonly clientIp?: string;
}
