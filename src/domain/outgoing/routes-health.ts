// Which route of an SMS to try first: the networks of an operator round-robin, and last those whose phones fail repeatedly, or never
// report while others do. Used by the client of the broker, and fed by what becomes of messages.

import { dropOldest } from '../../lib/drop-oldest.ts';
import type { Clock, Log } from '../shared/ports.ts';
import type { OutgoingMessage } from './message.ts';

/** Why a route is passed over: its phones could not send SMS, or do not report. */
export const routeFaults = ['failed', 'silent'] as const;
export type RouteFault = (typeof routeFaults)[number];

export interface PassedOverRoute {
  /** The routing key of its phones. */
  readonly route: string;
  readonly why: RouteFault;
  /** Milliseconds until it is tried first again. */
  readonly leftMs: number;
}

/** Outgoing SMS that are held up, as `swob status` and metrics report them. */
export interface OutgoingHealth {
  /** SMS that wait in swob. */
  readonly waiting: number;
  /** Callbacks to developers that wait. */
  readonly callbacks: number;
  /** Seconds that the first SMS of a queue has waited at most, of the queues that this process paces. */
  readonly oldestWait: number;
  readonly passedOver: readonly Pick<PassedOverRoute, 'route' | 'why'>[];
}

/** What the phones of a route have reported. */
export interface RouteReports {
  readonly route: string;
  /** Whether they have sent an SMS. */
  readonly hasSent: boolean;
  /** SMS in a row that they could not send since then. */
  readonly failures: number;
}

/** What this process knows of the phones behind routes; it is not stored. */
export interface RoutesHealth {
  /**
   * Routes in the order in which they are to be tried: the networks beginning with another one each time, then the others; last
   * those that are passed over.
   */
  order(networks: readonly string[], others: readonly string[]): readonly string[];
  /** The broker has an SMS that phones can report on. */
  taken(route: string): void;
  /** The state or the route of a message has changed. */
  changed(message: Pick<OutgoingMessage, 'state' | 'times' | 'route'>): void;
  /** Phones have reported to another process. */
  learn(reports: RouteReports): void;
  passedOver(): readonly PassedOverRoute[];
}

export interface RoutesHealthOptions {
  /** Failures in a row, and SMS without any report, after which a route is passed over; 0: never. */
  readonly maxFailures: number;
  readonly clock: Pick<Clock, 'monotonic'>;
  readonly log: Log;
  readonly onPassedOver?: (why: RouteFault) => void;
}

interface RouteState {
  /** In a row. */
  failures: number;
  /** SMS since the latest report, and the time of the first of them. */
  unreported: number;
  unreportedSince: number;
  reportedAt: number;
  passedOver?: { readonly why: RouteFault; readonly until: number };
}

/** Also the time without a report after which phones count as silent. */
const passOverMs = 600_000;
/** Of the routes of all developers; the least recently used are forgotten. */
const maxRoutes = 2_000;

export function createRoutesHealth(options: RoutesHealthOptions): RoutesHealth {
  const { clock, log, onPassedOver } = options;
  const maxFailures = options.maxFailures === 0 ? Number.POSITIVE_INFINITY : options.maxFailures;
  const routes = new Map<string, RouteState>();
  /** By the first network of a list, the index of the one that is next. */
  const nextIndexes = new Map<string, number>();

  const stateOf = (route: string): RouteState => {
    const state = routes.get(route) ?? {
      failures: 0,
      unreported: 0,
      unreportedSince: 0,
      reportedAt: Number.NEGATIVE_INFINITY,
    };
    putLatest(routes, route, state);
    return state;
  };
  const passOver = (route: string, state: RouteState, why: RouteFault): void => {
    state.passedOver = { why, until: clock.monotonic() + passOverMs };
    // Afterwards one more failure is enough.
    state.failures = Math.max(0, maxFailures - 1);
    state.unreported = 0;
    log.warn({ route, why }, 'the phones of a route fail: SMS go to others first for 10 minutes');
    onPassedOver?.(why);
  };
  const isPassedOver = (state: RouteState | undefined): boolean =>
    state?.passedOver !== undefined && state.passedOver.until > clock.monotonic();

  const findSilent = (candidates: readonly string[]): void => {
    const known = candidates.flatMap((route) => routes.get(route) ?? []);
    for (const route of candidates) {
      const state = routes.get(route);
      if (!state || state.unreported < maxFailures || isPassedOver(state)) continue;
      const { unreportedSince } = state;
      if (clock.monotonic() - unreportedSince < passOverMs) continue;
      if (known.some(({ reportedAt }) => reportedAt > unreportedSince)) passOver(route, state, 'silent');
    }
  };
  const rotate = (networks: readonly string[]): readonly string[] => {
    const [first] = networks;
    if (first === undefined || networks.length === 1) return networks;
    const start = (nextIndexes.get(first) ?? 0) % networks.length;
    putLatest(nextIndexes, first, start + 1);
    return [...networks.slice(start), ...networks.slice(0, start)];
  };

  const learn: RoutesHealth['learn'] = ({ route, hasSent, failures }) => {
    const state = stateOf(route);
    state.unreported = 0;
    state.reportedAt = clock.monotonic();
    if (hasSent) {
      state.failures = 0;
      delete state.passedOver;
    }
    state.failures += failures;
    if (failures > 0 && state.failures >= maxFailures && !isPassedOver(state))
      passOver(route, state, 'failed');
  };

  return {
    order: (networks, others) => {
      const candidates = [...rotate(networks), ...others];
      if (candidates.length === 1) return candidates;
      findSilent(candidates);
      const isLast = (route: string): boolean => isPassedOver(routes.get(route));
      return [...candidates.filter((route) => !isLast(route)), ...candidates.filter(isLast)];
    },
    taken: (route) => {
      const state = stateOf(route);
      if (state.unreported === 0) state.unreportedSince = clock.monotonic();
      state.unreported++;
    },
    changed: (message) => {
      const reports = reportsOf(message);
      if (reports) learn(reports);
    },
    learn,
    passedOver: () =>
      [...routes].flatMap(([route, { passedOver }]) => {
        const leftMs = (passedOver?.until ?? 0) - clock.monotonic();
        return passedOver && leftMs > 0 ? [{ route, why: passedOver.why, leftMs }] : [];
      }),
  };
}

/** What a change of a message says about the phones of its route; undefined when no phone has reported it. */
export function reportsOf({
  state,
  times,
  route,
}: Parameters<RoutesHealth['changed']>[0]): RouteReports | undefined {
  const isReport = state === 'sent' || state === 'delivered' || state === 'failed';
  if (route === undefined || !isReport) return undefined;
  // Once it was sent, the phone is not what failed.
  const hasFailed = state === 'failed' && times.sent === undefined;
  return { route, hasSent: !hasFailed, failures: hasFailed ? 1 : 0 };
}

/** Maps keep the order in which keys were added, so that the first one is the least recently used. */
function putLatest<T>(map: Map<string, T>, key: string, value: T): void {
  map.delete(key);
  map.set(key, value);
  dropOldest(map, maxRoutes);
}
