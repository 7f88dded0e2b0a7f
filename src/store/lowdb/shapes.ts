// What the files of the lowdb store must look like.

import type {
  Callback,
  InboundSms,
  LifeEvent,
  PairedUser,
  Parcel,
  Receipt,
  RememberedAnswer,
  Seed,
} from '../../domain/model.ts';

type Shape<T> = (value: unknown) => value is T;

export function isUser(value: unknown): value is PairedUser {
  return (
    isObject(value) &&
    isText(value.userId) &&
    isText(value.sessionId) &&
    isText(value.publicKey) &&
    isText(value.sharedKey) &&
    isNumber(value.pairedAt) &&
    Array.isArray(value.passwordDigests) &&
    value.passwordDigests.every(isText)
  );
}

export function isSeed(value: unknown): value is Seed {
  return (
    isObject(value) &&
    isText(value.imsi) &&
    isText(value.msisdn) &&
    (value.seedType === 'seed' || value.seedType === 'seeder') &&
    isNumber(value.lps)
  );
}

/** LPS by IMSI. */
export function isLpsFile(value: unknown): value is Record<string, number> {
  return isObject(value) && Object.values(value).every(isNumber);
}

/** A parcel with such a content. */
export function isParcel<T>(isContent: Shape<T>): Shape<Parcel<T>> {
  return (value): value is Parcel<T> =>
    isObject(value) &&
    isText(value.id) &&
    isContent(value.content) &&
    isNumber(value.since) &&
    (value.dueAt === null || isNumber(value.dueAt)) &&
    isNumber(value.attempts) &&
    isLife(value.life);
}

export function isInboundSms(value: unknown): value is InboundSms {
  return (
    isObject(value) &&
    isText(value.platform) &&
    isText(value.msisdn) &&
    isText(value.text) &&
    (value.message === undefined || isText(value.message))
  );
}

export function isCallback(value: unknown): value is Callback {
  return isObject(value) && isText(value.url) && isText(value.body);
}

export function isReceipt(value: unknown): value is Receipt {
  return (
    isObject(value) && (value.answer === 'published' || value.answer === 'accepted') && isLife(value.life)
  );
}

export function isRememberedAnswer(value: unknown): value is RememberedAnswer {
  return isObject(value) && isText(value.request) && isText(value.body);
}

/** A line of a memo's file: what is remembered under the key since `at` (Unix time in milliseconds). */
export interface MemoLine<T> {
  readonly key: string;
  readonly at: number;
  readonly value: T;
}

export function isMemoLine<T>(isValue: Shape<T>): Shape<MemoLine<T>> {
  return (line): line is MemoLine<T> =>
    isObject(line) && isText(line.key) && isNumber(line.at) && isValue(line.value);
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function isLife(value: unknown): value is LifeEvent[] {
  return (
    Array.isArray(value) &&
    value.every((event) => isObject(event) && isNumber(event.at) && isText(event.what))
  );
}

function isNumber(value: unknown): value is number {
  return Number.isFinite(value);
}
