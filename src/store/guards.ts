// Type guards of the stored records, shared by all durable stores and by export files.

import { type InboundSms, partKinds, type Receipt } from '../domain/inbound/model.ts';
import type { HealthEntry, NodeState, SavedHistory } from '../domain/monitoring/model.ts';
import {
  encodings,
  handovers,
  messageIdPattern,
  messageStates,
  type OutgoingMessage,
  type WaitingSms,
} from '../domain/outgoing/message.ts';
import type { Callback, OutgoingSms, StoredResponse } from '../domain/outgoing/model.ts';
import type { PairedUser } from '../domain/pairing/model.ts';
import type { DeliveringClient, ReliabilityTest, Seed } from '../domain/seeds/model.ts';
import type { HistoryEvent, OutboxEntry, SignOut } from '../domain/shared/model.ts';
import type { FormerKey } from '../domain/shared/user-keys.ts';
import { type DisconnectRecord, disconnectOutcomes, recordIdPattern } from '../domain/wifi/audit-model.ts';
import { parseReports } from '../domain/wifi/backends.ts';
import { verdicts } from '../domain/wifi/verification.ts';
import { isObject } from '../lib/json.ts';

export type Guard<T> = (value: unknown) => value is T;

export function isUser(value: unknown): value is PairedUser {
  return (
    isObject(value) &&
    isText(value.userId) &&
    isText(value.sessionId) &&
    isText(value.publicKey) &&
    isText(value.sharedKey) &&
    isNumber(value.pairedAt) &&
    Array.isArray(value.passwordDigests) &&
    value.passwordDigests.every(isText) &&
    (value.formerKeys === undefined ||
      (Array.isArray(value.formerKeys) && value.formerKeys.every(isFormerKey))) &&
    (value.revokedAt === undefined || isNumber(value.revokedAt)) &&
    (value.revokedKeys === undefined || (Array.isArray(value.revokedKeys) && value.revokedKeys.every(isText)))
  );
}

function isFormerKey(value: unknown): value is FormerKey {
  return isObject(value) && isText(value.sharedKey) && isNumber(value.replacedAt);
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

export function isDeliveringClient(value: unknown): value is DeliveringClient {
  return isObject(value) && isText(value.msisdn) && isNumber(value.lastDeliveryAt);
}

export function isReliabilityTest(value: unknown): value is ReliabilityTest {
  return (
    isObject(value) &&
    Number.isSafeInteger(value.id) &&
    isText(value.msisdn) &&
    isNumber(value.startedAt) &&
    (value.sender === undefined || isText(value.sender)) &&
    (value.cancelled === undefined || typeof value.cancelled === 'boolean') &&
    [value.sentAt, value.receivedAt, value.routedAt].every((each) => each === undefined || isNumber(each))
  );
}

export function isDisconnectRecord(value: unknown): value is DisconnectRecord {
  return (
    isObject(value) &&
    isText(value.id) &&
    recordId.test(value.id) &&
    isNumber(value.at) &&
    isText(value.requestId) &&
    isText(value.address) &&
    disconnectOutcomes.some((outcome) => outcome === value.outcome) &&
    isNumber(value.durationMs) &&
    [value.reason, value.user, value.sessionId, value.nasIp, value.vrf, value.mac].every(
      (each) => each === undefined || isText(each),
    ) &&
    parseReports(value.reports) !== undefined &&
    (value.verified === undefined || verdicts.some((verdict) => verdict === value.verified))
  );
}

const recordId = new RegExp(recordIdPattern);

/** A guard of an outbox entry with this content. */
export function isOutboxEntry<T>(isContent: Guard<T>): Guard<OutboxEntry<T>> {
  return (value): value is OutboxEntry<T> =>
    isObject(value) &&
    isText(value.id) &&
    isContent(value.content) &&
    isNumber(value.since) &&
    (value.dueAt === null || isNumber(value.dueAt)) &&
    isNumber(value.attempts) &&
    isHistory(value.history) &&
    (value.orderKey === undefined || isText(value.orderKey)) &&
    [
      value.sequence,
      value.attemptStartedAt,
      value.failures,
      value.unknownOutcomes,
      value.ageMs,
      value.ageRecordedAt,
    ].every((each) => each === undefined || isNumber(each));
}

export function isInboundSms(value: unknown): value is InboundSms {
  return (
    isObject(value) &&
    isText(value.platform) &&
    isText(value.msisdn) &&
    isText(value.text) &&
    (value.message === undefined || isText(value.message)) &&
    (value.address === undefined || isText(value.address)) &&
    (value.relayed === undefined || value.relayed === true) &&
    (value.part === undefined || partKinds.some((kind) => kind === value.part))
  );
}

export function isCallback(value: unknown): value is Callback {
  return (
    isObject(value) &&
    isText(value.url) &&
    isText(value.body) &&
    (value.lane === undefined || isText(value.lane))
  );
}

const messageId = new RegExp(messageIdPattern);

export function isOutgoingMessage(value: unknown): value is OutgoingMessage {
  return (
    isObject(value) &&
    isText(value.id) &&
    messageId.test(value.id) &&
    [value.uuid, value.authId, value.number, value.operatorName].every(isText) &&
    [value.index, value.parts, value.revision].every(Number.isSafeInteger) &&
    isOneOf(encodings, value.encoding) &&
    isOneOf(messageStates, value.state) &&
    isStateTimes(value.times) &&
    [value.reason, value.route].every((each) => each === undefined || isText(each)) &&
    isOneOf(handovers, value.handover) &&
    [
      value.publishingAt,
      value.acceptedAt,
      value.scheduledAt,
      value.waitsUntil,
      value.validUntil,
      value.reviewAt,
    ].every((each) => each === undefined || isNumber(each)) &&
    isListOf(isNumber, value.sentParts) &&
    isListOf(isNumber, value.deliveredParts) &&
    isListOf(isState, value.unreported) &&
    (value.callbacks === undefined ||
      (isObject(value.callbacks) &&
        isListOf(isText, value.callbacks.urls) &&
        isListOf(isState, value.callbacks.events)))
  );
}

function isState(value: unknown): boolean {
  return isOneOf(messageStates, value);
}

function isStateTimes(value: unknown): boolean {
  return (
    isObject(value) &&
    isNumber(value.queued) &&
    Object.entries(value).every(([state, at]) => isState(state) && isNumber(at))
  );
}

function isOneOf(choices: readonly string[], value: unknown): boolean {
  return choices.some((each) => each === value);
}

function isListOf(isItem: (value: unknown) => boolean, value: unknown): boolean {
  return Array.isArray(value) && value.every(isItem);
}

export function isWaitingSms(value: unknown): value is WaitingSms {
  return (
    isObject(value) &&
    isText(value.messageId) &&
    isOutgoingSms(value.sms) &&
    (value.scheduledAt === undefined || isNumber(value.scheduledAt)) &&
    (value.retryUntil === undefined || isNumber(value.retryUntil))
  );
}

function isOutgoingSms(value: unknown): value is OutgoingSms {
  return (
    isObject(value) &&
    [value.authId, value.operatorName, value.number, value.text, value.sid].every(isText) &&
    (value.callingCode === null || isText(value.callingCode)) &&
    isListOf(isText, value.networkCodes) &&
    (value.messageId === undefined || isText(value.messageId)) &&
    (value.validUntil === undefined || isNumber(value.validUntil))
  );
}

export function isReceipt(value: unknown): value is Receipt {
  return (
    isObject(value) &&
    (value.reply === 'published' || value.reply === 'accepted') &&
    isHistory(value.history) &&
    (value.partOf === undefined || isText(value.partOf))
  );
}

export function isStoredResponse(value: unknown): value is StoredResponse {
  return isObject(value) && isText(value.request) && isText(value.body) && isProgress(value.unfinished);
}

export function isSignOut(value: unknown): value is SignOut {
  return isObject(value) && isNumber(value.at);
}

function isProgress(value: unknown): boolean {
  return value === undefined || (isObject(value) && isNumber(value.done) && isNumber(value.begun));
}

export function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function isHistory(value: unknown): value is HistoryEvent[] {
  return (
    Array.isArray(value) &&
    value.every((event) => isObject(event) && isNumber(event.at) && isText(event.event))
  );
}

export function isNumber(value: unknown): value is number {
  return Number.isFinite(value);
}

export function isSavedHistory(value: unknown): value is SavedHistory {
  return isObject(value) && isText(value.node) && isNumber(value.savedAt) && isText(value.text);
}

export function isNodeState(value: unknown): value is NodeState {
  return (
    isObject(value) &&
    [value.instance, value.version, value.tail].every(isText) &&
    [value.startedAt, value.loopDelayMs, value.sockets, value.memory, value.savedAt].every(isNumber) &&
    Array.isArray(value.services) &&
    value.services.every(isText) &&
    Array.isArray(value.health) &&
    value.health.every(isHealthEntry)
  );
}

function isHealthEntry(value: unknown): value is HealthEntry {
  return (
    isObject(value) &&
    isText(value.name) &&
    isText(value.state) &&
    typeof value.required === 'boolean' &&
    isNumber(value.since) &&
    isNumber(value.checkedAt) &&
    (value.reason === undefined || isText(value.reason))
  );
}
