// The two bodies of an outgoing SMS on the broker, for phones that read one or the other. Used by the client of the broker, and
// by `swob sms consume`. docs/protocol.md, "Outgoing SMS".

import { isObject, parseJson } from '../../lib/json.ts';
import type { OutgoingSms } from './model.ts';

/** The body in `DEKU_CLUSTER_SMS`. */
interface ClusterMessage {
  readonly text: string;
  readonly number: string;
}

/** The body in a developer's exchange, as DekuSMS decodes it: exactly these members. */
interface DekuMessage {
  readonly text: string;
  /** The phone number, E.164. */
  readonly to: string;
  /** Subscription id of the SIM: a whole number in text. */
  readonly sid: string;
  /** 32 bits, signed. */
  readonly id: number;
}

export function clusterBody({ text, number }: OutgoingSms): Buffer {
  const message: ClusterMessage = { text, number };
  return Buffer.from(JSON.stringify(message));
}

/** @param id 32 bits, signed; unique to the SMS */
export function dekuBody({ text, number, sid }: OutgoingSms, id: number): Buffer {
  const message: DekuMessage = { text, to: number, sid, id };
  return Buffer.from(JSON.stringify(message));
}

/** Largest subscription id on Android, and largest `id`. */
export const maxInt = 2_147_483_647;
/** Greatest id of a message that phones report on; those of other SMS are greater. */
export const maxMessageId = 2 ** 30;

/** Whether a value is a subscription id: a whole number in text, without sign or leading zeros. */
export function isSubscriptionId(value: unknown): value is string {
  return typeof value === 'string' && /^(0|[1-9]\d{0,9})$/.test(value) && Number(value) <= maxInt;
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true });
/** As Java decodes: what is not UTF-8 is replaced, and a byte order mark stays. */
const replacingUtf8 = new TextDecoder('utf-8', { ignoreBOM: true });

/** Undefined when it is not an SMS; ignores further members. */
export function readClusterBody(content: Uint8Array): ClusterMessage | undefined {
  const json = parse(strictUtf8, content);
  if (!isObject(json)) return undefined;
  const { text, number } = json;
  return typeof text === 'string' && typeof number === 'string' ? { text, number } : undefined;
}

/**
 * What DekuSMS makes of a body:
 * - `sms`: it sends the SMS
 * - `malformed`: it cannot decode it, and rejects it for good
 * - `wrong-sid`: it decodes it, but `sid` is not a whole number, and it rejects it with requeueing
 */
export type DekuReading =
  | { readonly kind: 'sms'; readonly message: DekuMessage }
  | { readonly kind: 'malformed' }
  | { readonly kind: 'wrong-sid' };

export function readDekuBody(content: Uint8Array): DekuReading {
  const json = parse(replacingUtf8, content);
  if (!isObject(json) || Object.keys(json).length !== 4) return { kind: 'malformed' };
  const { text, to, sid, id } = json;
  if (typeof text !== 'string' || typeof to !== 'string' || typeof sid !== 'string' || !isInt(id)) {
    return { kind: 'malformed' };
  }
  if (!isLong(sid)) return { kind: 'wrong-sid' };
  return { kind: 'sms', message: { text, to, sid, id } };
}

function parse(decoder: InstanceType<typeof TextDecoder>, content: Uint8Array): unknown {
  try {
    return parseJson(decoder.decode(content));
  } catch {
    return undefined;
  }
}

function isInt(value: unknown): value is number {
  return Number.isInteger(value) && Number(value) >= -maxInt - 1 && Number(value) <= maxInt;
}

/** A whole number of 64 bits, as Kotlin's `toLong` reads it. */
function isLong(text: string): boolean {
  if (!/^[+-]?\d{1,64}$/.test(text)) return false;
  const value = BigInt(text.replace('+', ''));
  return BigInt.asIntN(64, value) === value;
}
