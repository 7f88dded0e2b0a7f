// Outgoing SMS as the gateway's admin routes describe them. Used by `swob sms outgoing`.

import { SwobError } from '../../errors.ts';
import { isObject } from '../../lib/json.ts';
import type { AdminRequest } from './message-admin.ts';

/** With all of its members as the gateway sends them. */
export type OutgoingSms = Readonly<Record<string, unknown>> & { readonly id: string; readonly state: string };

export interface OutgoingFilters {
  readonly authId?: string;
  readonly request?: string;
  readonly msisdn?: string;
  readonly operator?: string;
  readonly state?: string;
  /** Unix time in milliseconds. */
  readonly since?: number;
}

const pageSize = 1_000;

/** At most `limit` SMS, newest first. Throws UPSTREAM when the gateway responds with anything else. */
export async function* listOutgoing(
  callAdmin: AdminRequest,
  { authId, request, msisdn, operator, state, since }: OutgoingFilters,
  limit: number,
): AsyncGenerator<OutgoingSms> {
  const query = new URLSearchParams({
    ...(authId !== undefined && { auth_id: authId }),
    ...(request !== undefined && { uuid: request }),
    ...(msisdn !== undefined && { number: msisdn }),
    ...(operator !== undefined && { operator_name: operator }),
    ...(state !== undefined && { state }),
    ...(since !== undefined && { since: String(since) }),
  });
  for (let left = limit; left > 0; ) {
    query.set('limit', String(Math.min(left, pageSize)));
    const page = await callAdmin('GET', `/sms/outgoing?${query}`);
    if (!isObject(page) || !Array.isArray(page.messages)) throw unexpectedResponse();
    yield* page.messages.map(parseOutgoing);
    left -= page.messages.length;
    if (typeof page.next !== 'string') return;
    query.set('before', page.next);
  }
}

/** Throws NOT_FOUND for an unknown id. */
export async function showOutgoing(callAdmin: AdminRequest, id: string): Promise<OutgoingSms> {
  return parseOutgoing(await callAdmin('GET', pathOf(id)));
}

/** Throws NOT_FOUND for an unknown id, and CONFLICT when it is too late. */
export async function cancelOutgoing(callAdmin: AdminRequest, id: string): Promise<OutgoingSms> {
  return parseOutgoing(await callAdmin('DELETE', pathOf(id)));
}

/** The broker does not have it. */
export function canBeCancelled({ state, handover }: OutgoingSms): boolean {
  return state === 'queued' && handover === 'pending';
}

/** The state with what an operator needs to understand it. */
export function describeState({ state, handover, waits_until, reason }: OutgoingSms): string {
  if (typeof reason === 'string') return `${state}: ${reason}`;
  if (state !== 'queued') return state;
  if (handover === 'accepted') return 'queued: in RabbitMQ, no phone has reported on it';
  if (handover === 'unknown') return 'queued: RabbitMQ may have it';
  return typeof waits_until === 'string' ? `queued: waits until ${waits_until}` : 'queued: in swob';
}

function pathOf(id: string): string {
  return `/sms/outgoing/${encodeURIComponent(id)}`;
}

function parseOutgoing(value: unknown): OutgoingSms {
  if (isObject(value)) {
    const { id, state } = value;
    if (typeof id === 'string' && typeof state === 'string') return { ...value, id, state };
  }
  throw unexpectedResponse();
}

function unexpectedResponse(): SwobError {
  return new SwobError('UPSTREAM', 'the gateway did not respond with outgoing SMS; is it a gateway?');
}
