// The most recent refused SMS with their reasons, in memory. For operators only: senders do not learn the reason. Used
// by publishing.ts and message-admin.ts.

import { dropOldest } from '../../lib/drop-oldest.ts';
import type { Clock } from '../shared/ports.ts';
import type { InboundSms } from './model.ts';

/** The reasons, with their descriptions for operators. */
export const refusalReasons = {
  'not base64': 'it is not base64 of an encrypted SMS, and so an ordinary one',
  sender: 'its sender is not a phone number',
  duplicate: 'it was received before, and got the same response again',
  test: 'it has the form of a reliability test, and no running test has this id, client and sender',
  'address limit': 'its client has exceeded [limits] sms',
  'sender limit': 'its sender has exceeded [limits] sms',
  'unknown number': 'its sender is unknown: the back end knows no user of the number',
  'not paired': 'the user of its number has not paired a phone here',
  revoked: 'the pairing of its user was revoked, and no phone has paired since',
  'wrong key': 'it does not decrypt under a key of its user: it was changed, or another phone paired since',
  'no relay': 'it is not an SMS of a paired phone, and no [relay] url is configured',
  country: 'it is not an SMS of a paired phone, and [relay] allow does not have the country of its sender',
  'relay quota':
    'too many SMS of its sender or address wait for the RelaySMS Publisher, or were dead-lettered',
  evicted: 'it waited for the RelaySMS Publisher, and was evicted because the outbox was full',
  'parts limit': 'too many parts of longer SMS of its sender or address wait for the others',
  'unverified sender': 'the back end is down, and too many SMS of its sender or address already wait for it',
} as const;
export type RefusalReason = keyof typeof refusalReasons;

export interface RefusedSms {
  readonly id: string;
  /** Time of the last refusal, Unix time in milliseconds. */
  readonly at: number;
  readonly platform: string;
  /** As received, truncated when it is too long for a phone number. */
  readonly msisdn: string;
  readonly reason: RefusalReason;
  /** Number of refusals. */
  readonly times: number;
}

export interface RefusedSmsLog {
  /** Takes the same time for every reason, so that timing reveals none. */
  add(id: string, sms: Pick<InboundSms, 'platform' | 'msisdn'>, reason: RefusalReason): void;
  find(id: string): RefusedSms | undefined;
  /** The newest first; only those refused since this time, Unix time in milliseconds. */
  list(limit: number, since?: number): RefusedSms[];
}

/** For each reason, so that a flood for one reason hides no other; half a megabyte in total. */
const maxOfReason = 200;
const maxTextLength = 64;

export function createRefusedSmsLog(clock: Pick<Clock, 'now'>): RefusedSmsLog {
  const byReason = new Map<RefusalReason, Map<string, RefusedSms>>();
  const all = (): RefusedSms[] =>
    // Reversed first, as the sort keeps the order of those of the same millisecond.
    [...byReason.values()].flatMap((entries) => [...entries.values()].reverse()).sort((a, b) => b.at - a.at);

  return {
    add: (id, { platform, msisdn }, reason) => {
      const entries = byReason.get(reason) ?? new Map<string, RefusedSms>();
      byReason.set(reason, entries);
      const times = (entries.get(id)?.times ?? 0) + 1;
      // Move it to the end, which is the newest.
      entries.delete(id);
      entries.set(id, {
        id,
        at: clock.now(),
        platform: truncated(platform),
        msisdn: truncated(msisdn),
        reason,
        times,
      });
      dropOldest(entries, maxOfReason);
    },
    find: (id) => all().find((refused) => refused.id === id),
    list: (limit, since = 0) =>
      all()
        .filter(({ at }) => at >= since)
        .slice(0, Math.max(0, limit)),
  };
}

/** Copies the text, because a slice would keep the whole original in memory. */
function truncated(text: string): string {
  return text.length <= maxTextLength ? text : Buffer.from(text.slice(0, maxTextLength)).toString();
}
