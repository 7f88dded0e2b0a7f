// What the memories of all nodes have of messages: recently received and refused ones. Used by message-search.ts and the console's
// messages.

import type { MissingNode, Share } from '../shared/node-requests.ts';
import { type MessageView, refusedView } from './message-admin.ts';
import { createMatcher, type MessageFilter, type NumberReader } from './message-query.ts';
import type { RecentMessage, RecentMessages } from './recent-messages.ts';
import type { RefusedSms, RefusedSmsLog } from './refused-sms.ts';

export interface RememberedMessages {
  /** The newest first, each id once. */
  readonly refused: readonly MessageView[];
  readonly recent: readonly RecentMessage[];
  /** Those that match, but were left out because of the limit. */
  readonly refusedBeyond: number;
  readonly recentBeyond: number;
  readonly missing: readonly MissingNode[];
}

export interface NodeMessages {
  /** At most `limit` of both kinds from each node, by text and time; the state is the caller's to look up. */
  find(filter: MessageFilter, limit: number): Promise<RememberedMessages>;
  /** A refused SMS, whichever node has refused it. */
  refused(
    id: string,
  ): Promise<{ readonly message: MessageView | undefined; readonly missing: readonly MissingNode[] }>;
}

/** The response of one node. */
interface Remembered {
  readonly refused: readonly RefusedSms[];
  readonly recent: readonly RecentMessage[];
  readonly refusedBeyond: number;
  readonly recentBeyond: number;
}

/** So many of each kind that a response stays below its bound. */
export const maxRemembered = 2_500;

export function shareMessages(deps: {
  readonly share: Share;
  readonly refusedSms: Pick<RefusedSmsLog, 'list' | 'find'>;
  readonly recent: Pick<RecentMessages, 'list'>;
  readonly numberOf: NumberReader;
}): NodeMessages {
  const { share, refusedSms, recent, numberOf } = deps;
  const request = share(
    'messages',
    ({ filter, limit: wanted }: { readonly filter: MessageFilter; readonly limit: number }): Remembered => {
      const { matches } = createMatcher(filter, numberOf);
      const limit = Math.min(wanted, maxRemembered);
      const isMatch = ({ id, msisdn, at }: RecentMessage | RefusedSms) =>
        matches({ id, msisdn, arrivedAt: at });
      const refused = refusedSms.list(Number.POSITIVE_INFINITY).filter(isMatch);
      const received = recent.list().filter(isMatch);
      return {
        refused: refused.slice(0, limit),
        recent: received.slice(0, limit),
        refusedBeyond: Math.max(0, refused.length - limit),
        recentBeyond: Math.max(0, received.length - limit),
      };
    },
  );
  const requestRefused = share('refused SMS', ({ id }: { readonly id: string }) => ({
    sms: refusedSms.find(id),
  }));

  return {
    find: async (filter, limit) => {
      const { responses, missing } = await request({ filter, limit });
      const all = responses.map(({ response }) => response);
      return {
        refused: newestOf(all.flatMap(({ refused }) => refused)).map(refusedView),
        recent: newestOf(all.flatMap((each) => each.recent)),
        refusedBeyond: all.reduce((sum, { refusedBeyond }) => sum + refusedBeyond, 0),
        recentBeyond: all.reduce((sum, { recentBeyond }) => sum + recentBeyond, 0),
        missing,
      };
    },
    refused: async (id) => {
      const { responses, missing } = await requestRefused({ id });
      const [sms] = newestOf(responses.flatMap(({ response }) => response.sms ?? []));
      return { message: sms && refusedView(sms), missing };
    },
  };
}

/** A message may have come to several nodes. */
function newestOf<T extends { readonly id: string; readonly at: number }>(messages: readonly T[]): T[] {
  const found = new Map<string, T>();
  for (const message of messages.toSorted((a, b) => b.at - a.at))
    if (!found.has(message.id)) found.set(message.id, message);
  return [...found.values()];
}
