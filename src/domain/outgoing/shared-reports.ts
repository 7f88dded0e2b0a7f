// Sends what phones have reported at this node to the others, so that each judges the phones of a route by all reports: a phone that
// keeps its connection open reports to one node only. Used by app/compose.

import { newUuid } from '../../crypto/random.ts';
import type { Share } from '../shared/node-requests.ts';
import type { Clock } from '../shared/ports.ts';
import { type RouteReports, type RoutesHealth, reportsOf } from './routes-health.ts';

export interface SharedReports extends Pick<RoutesHealth, 'changed'> {
  start(): void;
  stop(): void;
}

interface SharedReportsDeps {
  readonly routes: Pick<RoutesHealth, 'changed' | 'learn'>;
  readonly share: Share;
  readonly clock: Pick<Clock, 'every'>;
}

interface ReportsRequest {
  /** The node that sends it, which has counted them itself. */
  readonly from: string;
  readonly reports: readonly RouteReports[];
}

const everyMs = 5_000;
/** Routes with reports that were not sent yet; those of others are not sent. */
const maxPending = 2_000;
/** Characters of the reports in a request, whose bound is 4,000. */
const maxCharacters = 3_500;
const maxRequestsTogether = 8;

export function createSharedReports({ routes, share, clock }: SharedReportsDeps): SharedReports {
  const own = newUuid();
  const pending = new Map<string, RouteReports>();
  let isSending = false;
  let stopSending = (): void => {};

  const send = share(
    'phone reports',
    ({ from, reports }: ReportsRequest) => {
      if (from !== own) for (const each of reports) routes.learn(each);
      return {};
    },
    { reuseMs: 0 },
  );
  /** As many as fit into a request. */
  const takePending = (): readonly RouteReports[] => {
    const taken: RouteReports[] = [];
    let characters = 0;
    for (const [route, reports] of pending) {
      characters += JSON.stringify(reports).length + 1;
      if (taken.length > 0 && characters > maxCharacters) break;
      taken.push(reports);
      pending.delete(route);
    }
    return taken;
  };
  const sendPending = async (): Promise<void> => {
    for (let request = 0; request < maxRequestsTogether && pending.size > 0; request++)
      await send({ from: own, reports: takePending() });
  };

  return {
    changed: (message) => {
      routes.changed(message);
      const reports = reportsOf(message);
      if (!reports) return;
      const known = pending.get(reports.route);
      if (!known && pending.size >= maxPending) return;
      pending.set(reports.route, known ? joined(known, reports) : reports);
    },
    start: () => {
      stopSending = clock.every(everyMs, () => {
        if (isSending) return;
        isSending = true;
        void sendPending().finally(() => {
          isSending = false;
        });
      });
    },
    stop: () => stopSending(),
  };
}

function joined(earlier: RouteReports, later: RouteReports): RouteReports {
  return later.hasSent ? later : { ...earlier, failures: earlier.failures + later.failures };
}
