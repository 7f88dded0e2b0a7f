// Export and import of a durable store: reading all of its records and restoring them. Implemented by the lowdb and
// Redis stores, used by app/compose for `swob store export` and `import`.

import type { InboundSms, Receipt } from '../../domain/inbound/model.ts';
import type { OutgoingMessage, WaitingSms } from '../../domain/outgoing/message.ts';
import type { Callback, StoredResponse } from '../../domain/outgoing/model.ts';
import type { PairedUser } from '../../domain/pairing/model.ts';
import type { DeliveringClient, ReliabilityTest, Seed } from '../../domain/seeds/model.ts';
import type { OutboxEntry } from '../../domain/shared/model.ts';
import type { DisconnectRecord } from '../../domain/wifi/audit-model.ts';
import { isObject } from '../../lib/json.ts';
import {
  type Guard,
  isCallback,
  isDeliveringClient,
  isDisconnectRecord,
  isInboundSms,
  isNumber,
  isOutboxEntry,
  isOutgoingMessage,
  isReceipt,
  isReliabilityTest,
  isSeed,
  isStoredResponse,
  isText,
  isUser,
  isWaitingSms,
} from '../guards.ts';
import type { StoreOptions } from '../options.ts';
import { lifetimeOf } from '../outgoing-messages.ts';

/** The records that outlive a restart, in the order of an export. */
export const recordKinds = [
  'seeds',
  'users',
  'inbound',
  'callbacks',
  'receipts',
  'responses',
  'clients',
  'tests',
  'disconnects',
  'messages',
  'waitingSms',
] as const;
export type RecordKind = (typeof recordKinds)[number];
export type RecordCounts = Readonly<Record<RecordKind, number>>;

/** A record that expires at the same moment wherever it is stored. */
interface ExpiringRecord<K, T> {
  readonly kind: K;
  readonly key: string;
  /** Expiry as Unix time in milliseconds. */
  readonly until: number;
  readonly record: T;
}

export type ArchivedExpiringRecord =
  | ExpiringRecord<'receipts', Receipt>
  | ExpiringRecord<'responses', StoredResponse>;
export type ArchivedRecord =
  | { readonly kind: 'seeds'; readonly record: Seed }
  | { readonly kind: 'users'; readonly record: PairedUser }
  | { readonly kind: 'inbound'; readonly record: OutboxEntry<InboundSms> }
  | { readonly kind: 'callbacks'; readonly record: OutboxEntry<Callback> }
  | { readonly kind: 'clients'; readonly record: DeliveringClient }
  | { readonly kind: 'tests'; readonly record: ReliabilityTest }
  | { readonly kind: 'disconnects'; readonly record: DisconnectRecord }
  | { readonly kind: 'messages'; readonly record: OutgoingMessage }
  | { readonly kind: 'waitingSms'; readonly record: OutboxEntry<WaitingSms> }
  | ArchivedExpiringRecord;

/** Nothing here is atomic over more than one record. A shared store may be in use by daemons meanwhile. */
export interface StoreArchive {
  /** The number of records that `records` would yield now. Throws UNAVAILABLE. */
  count(): Promise<RecordCounts>;
  /**
   * All records in the order of `recordKinds`, each id once; expiring records in the order of their insertion, and
   * none that has expired. Throws UNAVAILABLE, naming the record, when one is damaged.
   */
  records(): AsyncIterable<ArchivedRecord>;
  /** Adds the record or replaces the one with the same id, but never a client's later delivery. Throws UNAVAILABLE, also when the store is full. */
  restore(record: ArchivedRecord): Promise<void>;
  /** The stored record that has the id of this one. */
  find(record: ArchivedRecord): Promise<ArchivedRecord | undefined>;
  /** Resolves once every restored record is durable; then other processes can open the store. Idempotent. */
  close(): Promise<void>;
}

/** The record's id, unique within its kind. */
export function idOf(item: ArchivedRecord): string {
  if (item.kind === 'seeds') return item.record.imsi;
  if (item.kind === 'users') return item.record.userId;
  if (item.kind === 'clients') return item.record.msisdn;
  return 'key' in item ? item.key : String(item.record.id);
}

/** How long a store keeps records whose expiry is not in the record, in milliseconds. */
export interface RecordLifetimes {
  readonly messagesMs: number;
  readonly disconnectsMs: number;
  readonly testsMs: number;
}

/** Whether a record has expired, or is older than the store of these lifetimes keeps it. */
export function isExpired(item: ArchivedRecord, now: number, lifetimes?: RecordLifetimes): boolean {
  if ('until' in item) return item.until <= now;
  if (!lifetimes) return false;
  if (item.kind === 'messages')
    return item.record.times.queued + lifetimeOf(item.record, lifetimes.messagesMs) <= now;
  if (item.kind === 'tests') return item.record.startedAt + lifetimes.testsMs <= now;
  return item.kind === 'disconnects' && item.record.at + lifetimes.disconnectsMs <= now;
}

export const zeroCounts: RecordCounts = {
  seeds: 0,
  users: 0,
  inbound: 0,
  callbacks: 0,
  receipts: 0,
  responses: 0,
  clients: 0,
  tests: 0,
  disconnects: 0,
  messages: 0,
  waitingSms: 0,
};

/** The maximum of each kind; `disconnects` without the untrusted ones, whose maximum is their own. */
export interface StoreCapacity extends RecordCounts {
  readonly untrustedDisconnects: number;
}

/** For a store with these options. */
export function capacityOf(options: StoreOptions): StoreCapacity {
  const { seeds, inbound, callbacks, receipts, responses, clients, tests, disconnects } = options;
  return {
    seeds: seeds.maxRegistered,
    users: Number.POSITIVE_INFINITY,
    inbound: inbound.max,
    callbacks: callbacks.max,
    receipts: receipts.max,
    responses: responses.max,
    clients: clients.max,
    tests: tests.max,
    disconnects: disconnects.max,
    untrustedDisconnects: disconnects.maxUntrusted,
    messages: options.messages.max,
    waitingSms: options.waitingSms.max,
  };
}

const guards: { readonly [K in RecordKind]: Guard<Extract<ArchivedRecord, { kind: K }>['record']> } = {
  seeds: isSeed,
  users: isUser,
  inbound: isOutboxEntry(isInboundSms),
  callbacks: isOutboxEntry(isCallback),
  receipts: isReceipt,
  responses: isStoredResponse,
  clients: isDeliveringClient,
  tests: isReliabilityTest,
  disconnects: isDisconnectRecord,
  messages: isOutgoingMessage,
  waitingSms: isOutboxEntry(isWaitingSms),
};

/** Rejects unknown members, since a store would drop them. */
export function isArchivedRecord(value: unknown): value is ArchivedRecord {
  if (!isObject(value) || !isRecordKind(value.kind)) return false;
  const expires = value.kind === 'receipts' || value.kind === 'responses';
  const memberCount = expires ? 4 : 2;
  return (
    Object.keys(value).length === memberCount &&
    guards[value.kind](value.record) &&
    (!expires || (isText(value.key) && isNumber(value.until) && Number.isSafeInteger(value.until)))
  );
}

export function isRecordKind(value: unknown): value is RecordKind {
  return recordKinds.some((kind) => kind === value);
}
