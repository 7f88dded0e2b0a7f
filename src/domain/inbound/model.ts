// Inbound SMS and their receipts as the store keeps them.

import type { HistoryEvent } from '../shared/model.ts';

type PartKind = (typeof partKinds)[number];
export const partKinds = ['part', 'tail', 'incomplete'] as const;

/** An SMS for a Publisher, as a gateway client or Twilio has received it. */
export interface InboundSms {
  /** The platform that submitted it: `gateway-client` or `twilio`. */
  readonly platform: string;
  /** The sender, as submitted. */
  readonly msisdn: string;
  /** As received: encrypted under the sender's shared key, or a payload that only a RelaySMS Publisher reads. */
  readonly text: string;
  /** The plain text once decrypted, kept because a sender who pairs again has another key. Secret. */
  readonly message?: string;
  /**
   * The client that submitted it, in the form of `limitAddress`; only while its sender is unverified, or if it is
   * relayed.
   */
  readonly address?: string;
  /** Whether it goes to the RelaySMS Publisher as it is. */
  readonly relayed?: true;
  /**
   * It waits for the other parts of a longer SMS: as a part that is not the last, or as the last. `incomplete`: they did
   * not arrive in time.
   */
  readonly part?: PartKind;
}

/** Who submitted an SMS and when it was under way, as far as the client says so. */
export interface SmsOrigin {
  /** The number of the gateway client, as it calls itself. */
  readonly client?: string;
  /** When the sender sent the SMS, and when the gateway client received it; Unix times in milliseconds. */
  readonly sentAt?: number;
  readonly receivedAt?: number;
}

/** Receipt of an inbound SMS that the Publisher has, or of a part that was put together with others. */
export interface Receipt {
  /** The reply that its sender got. */
  readonly reply: 'published' | 'accepted';
  readonly history: readonly HistoryEvent[];
  /** The id of the message that this part of a longer SMS became. */
  readonly partOf?: string;
}
