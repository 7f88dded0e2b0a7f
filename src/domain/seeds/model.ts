// Gateway clients and their reliability tests as the store keeps them; the gateway maps them to the names of the wire
// protocol.

export type SeedType = 'seed' | 'seeder';

/** A gateway client: a phone or modem with a SIM, which pings regularly. */
export interface Seed {
  readonly imsi: string;
  readonly msisdn: string;
  readonly seedType: SeedType;
  /** Last Ping Session: Unix time of the last ping in seconds, with a fraction. */
  readonly lps: number;
}

/** A gateway client by what it delivered, because the phones of today do not ping. */
export interface DeliveringClient {
  readonly msisdn: string;
  /** Its last SMS that was published or kept for delivery, Unix time in milliseconds. */
  readonly lastDeliveryAt: number;
}

/** A test of a gateway client: an SMS with the id of the test, which must arrive through that client. */
export interface ReliabilityTest {
  /** 10 digits, at most 2^31 - 1, because phones read it as a signed integer of 32 bits. */
  readonly id: number;
  /** The number of the gateway client. */
  readonly msisdn: string;
  /** This and the following times: Unix time in milliseconds. */
  readonly startedAt: number;
  /** The number that must send the SMS, or once it arrived, the one that sent it. */
  readonly sender?: string;
  /** When the sender sent the SMS, as the gateway client reports. */
  readonly sentAt?: number;
  /** When the gateway client received it, as it reports. */
  readonly receivedAt?: number;
  /** When swob received it. */
  readonly routedAt?: number;
  /** Its SMS was never sent, so that it says nothing about the client. */
  readonly cancelled?: boolean;
}

/** Reliability is measured over this time. */
const reliabilityMs = 30 * 86_400_000;
/** An SMS that takes longer than this is too late to count, in milliseconds. */
const inTimeMs = 180_000;

export function isInTime({ startedAt, routedAt }: ReliabilityTest): boolean {
  return routedAt !== undefined && routedAt - startedAt <= inTimeMs;
}

/** The tests that count towards reliability. Unix times in milliseconds. */
export interface ReliabilityPeriod {
  /** Those that started at this time or later. */
  readonly since: number;
  /** One that has not arrived is decided when it started before this time. */
  readonly decidedBefore: number;
}

export function reliabilityPeriod(now: number): ReliabilityPeriod {
  return { since: now - reliabilityMs, decidedBefore: now - inTimeMs };
}
