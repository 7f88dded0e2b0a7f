// What every durable store can do besides serving: tell all that it keeps, and take it back. Implemented by the lowdb
// and Redis stores, used by app/compose for `swob store export` and `import`.

import type {
  Callback,
  InboundSms,
  PairedUser,
  Parcel,
  Receipt,
  RememberedAnswer,
  Seed,
} from '../domain/model.ts';
import type { StoreOptions } from './options.ts';
import {
  isCallback,
  isInboundSms,
  isNumber,
  isObject,
  isParcel,
  isReceipt,
  isRememberedAnswer,
  isSeed,
  isText,
  isUser,
  type Shape,
} from './shapes.ts';

/** The parts of a store that outlive a restart, in the order in which they are carried. */
export const recordKinds = ['seeds', 'users', 'inbound', 'callbacks', 'published', 'answers'] as const;
export type RecordKind = (typeof recordKinds)[number];
export type Counts = Readonly<Record<RecordKind, number>>;

/** What is remembered for a while; its time goes on wherever it is kept. */
interface Remembered<K, T> {
  readonly kind: K;
  readonly key: string;
  /** When it is forgotten, Unix time in milliseconds. */
  readonly until: number;
  readonly record: T;
}

export type ArchivedMemo = Remembered<'published', Receipt> | Remembered<'answers', RememberedAnswer>;
export type ArchivedRecord =
  | { readonly kind: 'seeds'; readonly record: Seed }
  | { readonly kind: 'users'; readonly record: PairedUser }
  | { readonly kind: 'inbound'; readonly record: Parcel<InboundSms> }
  | { readonly kind: 'callbacks'; readonly record: Parcel<Callback> }
  | ArchivedMemo;

/** A store while nobody serves from it, or while others do: nothing here is atomic over more than one record. */
export interface StoreArchive {
  /** As `records` would tell them now. Throws UNAVAILABLE. */
  count(): Promise<Counts>;
  /**
   * Everything, kind by kind in the order of `recordKinds`, each id once; what is remembered in the order in which it
   * came, and nothing whose time is over. Throws UNAVAILABLE, naming the record, when one is damaged.
   */
  records(): AsyncIterable<ArchivedRecord>;
  /** Adds the record, or puts it in the place of that with the same id. Throws UNAVAILABLE, also when it finds no room. */
  restore(record: ArchivedRecord): Promise<void>;
  /** What the store has now under the id of this record. */
  find(record: ArchivedRecord): Promise<ArchivedRecord | undefined>;
  /** Everything that was restored is durable when this resolves; then it can be opened by others. Idempotent. */
  close(): Promise<void>;
}

/** Unique within the kind. */
export function idOf(item: ArchivedRecord): string {
  if (item.kind === 'seeds') return item.record.imsi;
  if (item.kind === 'users') return item.record.userId;
  return 'key' in item ? item.key : item.record.id;
}

/** Whether the memo's time is over; other records have none. */
export function isOver(item: ArchivedRecord, now: number): boolean {
  return 'until' in item && item.until <= now;
}

export const noCounts: Counts = { seeds: 0, users: 0, inbound: 0, callbacks: 0, published: 0, answers: 0 };

/** The most that a store with these options keeps of each kind. */
export function capacityOf({ seeds, inbound, callbacks, published, answers }: StoreOptions): Counts {
  return {
    seeds: seeds.maxRegistered,
    users: Number.POSITIVE_INFINITY,
    inbound: inbound.max,
    callbacks: callbacks.max,
    published: published.max,
    answers: answers.max,
  };
}

const shapes: { readonly [K in RecordKind]: Shape<Extract<ArchivedRecord, { kind: K }>['record']> } = {
  seeds: isSeed,
  users: isUser,
  inbound: isParcel(isInboundSms),
  callbacks: isParcel(isCallback),
  published: isReceipt,
  answers: isRememberedAnswer,
};

/** Nothing but what an archive has: another member would be lost on the way through a store. */
export function isArchivedRecord(value: unknown): value is ArchivedRecord {
  if (!isObject(value) || !isRecordKind(value.kind)) return false;
  const isMemo = value.kind === 'published' || value.kind === 'answers';
  const members = isMemo ? 4 : 2;
  return (
    Object.keys(value).length === members &&
    shapes[value.kind](value.record) &&
    (!isMemo || (isText(value.key) && isNumber(value.until) && Number.isSafeInteger(value.until)))
  );
}

export function isRecordKind(value: unknown): value is RecordKind {
  return recordKinds.some((kind) => kind === value);
}
