// What the records of a store must look like, whatever keeps them. Used by the lowdb and Redis stores, and by export.

import type {
  Callback,
  InboundSms,
  LifeEvent,
  PairedUser,
  Parcel,
  Receipt,
  RememberedAnswer,
  Seed,
} from '../domain/model.ts';

export type Shape<T> = (value: unknown) => value is T;

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

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function isLife(value: unknown): value is LifeEvent[] {
  return (
    Array.isArray(value) &&
    value.every((event) => isObject(event) && isNumber(event.at) && isText(event.what))
  );
}

export function isNumber(value: unknown): value is number {
  return Number.isFinite(value);
}
