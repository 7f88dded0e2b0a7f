// What all nodes have seen of each seed: a seed pings one node now and another one then, so that it is silent only where it is silent
// on all of them. Used by seed-table.ts.

import type { HistoryEvent } from '../shared/model.ts';
import type { MissingNode, Share } from '../shared/node-requests.ts';
import { historyOf, type SeedActivity, type SeenSeed } from './seed-activity.ts';

export interface ClusterActivity {
  read(): Promise<{
    /** Silent on the nodes that know them, the longest silent first. */
    readonly silent: readonly SeenSeed[];
    /** SMS of a gateway client since midnight UTC. */
    readonly today: (msisdn: string) => number;
    /** Start of the earliest records, Unix time in milliseconds. */
    readonly since: number;
    readonly missing: readonly MissingNode[];
  }>;
  /** The oldest first. */
  history(
    imsi: string,
  ): Promise<{ readonly events: readonly HistoryEvent[]; readonly missing: readonly MissingNode[] }>;
}

/** The response of one node. */
interface NodeActivity {
  readonly since: number;
  readonly today: readonly (readonly [msisdn: string, count: number])[];
  /** Those that fell silent last. */
  readonly silent: readonly SeenSeed[];
}

/** With the counts of `today`, a response stays below its bound. */
const maxSilent = 5_000;

export function shareActivity(activity: SeedActivity, share: Share): ClusterActivity {
  const request = share(
    'seed activity',
    (_request: object): NodeActivity => ({
      since: activity.since,
      today: activity.counts(),
      silent: activity.silent().slice(-maxSilent),
    }),
  );
  const requestTimeline = share('seed history', ({ imsi }: { readonly imsi: string }) => ({
    timeline: activity.timeline(imsi),
  }));
  return {
    read: async () => {
      const { responses, missing } = await request({});
      const all = responses.map(({ response }) => response);
      const today = new Map<string, number>();
      for (const [msisdn, count] of all.flatMap((each) => each.today))
        today.set(msisdn, (today.get(msisdn) ?? 0) + count);
      const silent = new Map<string, SeenSeed>();
      for (const seed of all.flatMap((each) => each.silent)) {
        const known = silent.get(seed.imsi);
        if (!known || known.lastPingAt < seed.lastPingAt) silent.set(seed.imsi, seed);
      }
      return {
        silent: [...silent.values()].sort((a, b) => a.lastPingAt - b.lastPingAt),
        today: (msisdn) => today.get(msisdn) ?? 0,
        since: Math.min(...all.map(({ since }) => since)),
        missing,
      };
    },
    history: async (imsi) => {
      const { responses, missing } = await requestTimeline({ imsi });
      return { events: historyOf(responses.flatMap(({ response }) => response.timeline ?? [])), missing };
    },
  };
}
