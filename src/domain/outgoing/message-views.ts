// What responses and callbacks say about an outgoing message. Used by sending.ts and the gateway's routes.

import { type Handover, isPending, type MessageState, type OutgoingMessage } from './message.ts';

export interface MessageSummary {
  readonly id: string;
  readonly number: string;
  readonly operator_name: string;
  readonly state: MessageState;
  readonly reason?: string;
  readonly encoding: OutgoingMessage['encoding'];
  readonly parts: number;
  readonly waits_until?: string;
  readonly valid_until?: string;
}

export interface MessageDetails extends MessageSummary {
  readonly uuid: string;
  readonly times: Record<string, string>;
  readonly handover: Handover;
  readonly accepted_at?: string;
  readonly route?: string;
  readonly schedule_at?: string;
}

export function messageSummary(message: OutgoingMessage): MessageSummary {
  const { id, number, operatorName, state, encoding, parts, reason, waitsUntil, validUntil } = message;
  return {
    id,
    number,
    operator_name: operatorName,
    state,
    ...(reason !== undefined && { reason }),
    encoding,
    parts,
    ...(isPending(message) && waitsUntil !== undefined && { waits_until: isoTime(waitsUntil) }),
    ...(validUntil !== undefined && { valid_until: isoTime(validUntil) }),
  };
}

export function messageDetails(message: OutgoingMessage): MessageDetails {
  const { uuid, times, handover, acceptedAt, route, scheduledAt } = message;
  const isoTimes = Object.entries(times).map(([state, at]) => [state, isoTime(at)] as const);
  return {
    ...messageSummary(message),
    uuid,
    times: Object.fromEntries(isoTimes),
    handover,
    ...(acceptedAt !== undefined && { accepted_at: isoTime(acceptedAt) }),
    ...(route !== undefined && { route }),
    ...(scheduledAt !== undefined && { schedule_at: isoTime(scheduledAt) }),
  };
}

export function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}
