// Recent texts of each sender, in memory: they are received as messages of their own or as ordinary SMS, but one of them may be a part
// of a longer SMS whose other parts arrive later. Used by parts.ts.

import { dropOldest } from '../../lib/drop-oldest.ts';
import type { Clock } from '../shared/ports.ts';

export interface RecentTexts {
  add(msisdn: string, text: string): void;
  remove(msisdn: string, text: string): void;
  of(msisdn: string): readonly string[];
}

const maxSenders = 1_000;
const maxOfSender = 4;

export function createRecentTexts(clock: Pick<Clock, 'monotonic'>, ttlMs: number): RecentTexts {
  /** By text, with the time of arrival; the sender who has been silent longest first. */
  const bySender = new Map<string, Map<string, number>>();

  return {
    add: (msisdn, text) => {
      const texts = bySender.get(msisdn) ?? new Map<string, number>();
      texts.delete(text);
      texts.set(text, clock.monotonic());
      dropOldest(texts, maxOfSender);
      bySender.delete(msisdn);
      bySender.set(msisdn, texts);
      dropOldest(bySender, maxSenders);
    },
    remove: (msisdn, text) => {
      const texts = bySender.get(msisdn);
      texts?.delete(text);
      if (texts?.size === 0) bySender.delete(msisdn);
    },
    of: (msisdn) => {
      const earliest = clock.monotonic() - ttlMs;
      return [...(bySender.get(msisdn) ?? [])].filter(([, at]) => at > earliest).map(([text]) => text);
    },
  };
}
