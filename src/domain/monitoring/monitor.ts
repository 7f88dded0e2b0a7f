// Keeps the history of this process, saves it once a minute, publishes it to the other nodes, and answers what the Overview shows.
// Created by app/compose; used by the console.

import type { Deadline } from '../../lib/deadline.ts';
import type { Peer } from '../shared/node-requests.ts';
import type { Clock, Log } from '../shared/ports.ts';
import { createClusterHistory } from './cluster-history.ts';
import { createHealthLog, type HealthObservation } from './health-log.ts';
import { createHistory, type History } from './history.ts';
import { decodeInto, encodeHistory } from './history-codec.ts';
import { type RangeName, ranges, recentSum, windowOf } from './history-window.ts';
import type { HealthEntry, HistoryWindow, NodeEntry, NodeState, OverdueSms } from './model.ts';
import { createNodeName, isAlive } from './node-name.ts';
import type { MonitoringStore } from './ports.ts';

import { createSampler, type OutboxCounts, type Totals } from './sampler.ts';
import type { SeriesValues } from './series.ts';
import { type Verdict, verdictOf } from './verdict.ts';

export interface MonitorDeps {
  readonly store: MonitoringStore;
  /** Whether other processes share the store. */
  readonly isShared: boolean;
  /** The name of this node, which stays the same over restarts. */
  readonly name: string;
  /** What stays the same while the process runs. */
  readonly identity: Pick<NodeState, 'instance' | 'version' | 'services'>;
  readonly totals: () => Totals;
  readonly outbox: OutboxCounts | undefined;
  /** Undefined in a process that sends no SMS. */
  readonly overdueSms: (() => Promise<OverdueSms>) | undefined;
  /** Runs the checks of all services of this process; never rejects. */
  readonly checkHealth: () => Promise<readonly HealthObservation[]>;
  readonly clock: Clock;
  readonly log: Log;
}

export interface NodeView extends Omit<NodeState, 'tail' | 'savedAt'> {
  readonly name: string;
  /** Whether it is the one that answers. */
  readonly isThis: boolean;
  readonly isAlive: boolean;
  /** When it was last heard from, Unix time in milliseconds. */
  readonly lastSeen: number;
}

export interface Overview {
  readonly verdict: Verdict;
  readonly window: HistoryWindow;
  /** Of this node. */
  readonly health: readonly HealthEntry[];
  /** This node first. */
  readonly nodes: readonly NodeView[];
}

export interface Monitor {
  start(): void;
  /** Saves what is not saved yet. */
  stop(deadline?: Deadline): Promise<void>;
  /** Never rejects: what the store cannot give now is left out. */
  overview(range: RangeName): Promise<Overview>;
  /** The other nodes that are alive. Never rejects. */
  peers(): Promise<readonly Peer[]>;
  /** The name of this node. */
  name(): string;
  /** The history of this node. */
  readonly history: History;
}

/** After the beginning of a second, so that a timer that fires a little early still belongs to it. */
const marginMs = 20;
const publishEveryMs = 2_000;
const nodesEveryMs = 900;
/** What is published is never longer than this, also while the history cannot be saved. */
const maxTailMs = 120_000;
const healthEveryMs = 60_000;
/** The same while a page shows its result. */
const watchedHealthEveryMs = 5_000;
const verdictMinutes = 5;

export function createMonitor(deps: MonitorDeps): Monitor {
  const { store, isShared, identity, checkHealth, clock, log } = deps;
  const history = createHistory();
  const startedAt = clock.now();
  const health = createHealthLog(clock);
  const name = createNodeName({ ...deps, instance: identity.instance });
  const ownName = () => (name.isSettled ? name.current : '');
  const cluster = createClusterHistory({ own: history, name: ownName, store, clock });
  const countEveryMs = isShared ? publishEveryMs : 1_000;
  const sampler = createSampler({ ...deps, countEveryMs });
  let loopDelayMs = 0;
  let latest: SeriesValues = {};
  let savedAt = 0;
  let savedMinute = Math.floor(startedAt / 60_000);
  let restored: Promise<void> | undefined;
  let saveFails = false;
  let publishedAt = Number.NEGATIVE_INFINITY;
  const createdAt = clock.monotonic();
  let checkedAt = Number.NEGATIVE_INFINITY;
  let saving: Promise<void> | undefined;
  let publishing: Promise<void> | undefined;
  let checking: Promise<void> | undefined;
  let cancelTimer: (() => void) | undefined;
  let isStopped = false;

  /** Before anything is saved: a store that was unavailable at the start may have a history that must not be replaced. */
  const restore = (): Promise<void> => {
    restored ??= store.history(name.current).then(
      (saved) => {
        if (saved && !decodeInto({ assign: history.merge }, saved.text))
          log.warn({ node: name.current }, 'the saved monitoring history cannot be read; it starts empty');
      },
      (error: unknown) => {
        restored = undefined;
        throw error;
      },
    );
    return restored;
  };
  const save = (): Promise<void> => {
    if (!name.isSettled) return Promise.resolve();
    saving ??= (async () => {
      try {
        await restore();
        const now = clock.now();
        await store.saveHistory({ node: name.current, savedAt: now, text: encodeHistory(history) });
        savedAt = now;
        if (saveFails) log.info({}, 'the monitoring history is saved again');
        saveFails = false;
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        if (!saveFails) log.warn({ reason }, 'cannot save the monitoring history; tried again every minute');
        saveFails = true;
      } finally {
        saving = undefined;
      }
    })();
    return saving;
  };
  const self = () => ({
    ...identity,
    startedAt,
    loopDelayMs: Math.round(loopDelayMs * 10) / 10,
    sockets: latest.sockets ?? 0,
    memory: (latest.memory ?? 0) * 1_024,
    health: health.entries(),
    ...(name.duplicateOf !== undefined && { duplicateOf: name.duplicateOf }),
  });
  const publish = (): void => {
    if (publishing) return;
    publishedAt = clock.monotonic();
    publishing = name
      .claim()
      .then(async (isSettled) => {
        if (!isSettled || isStopped) return;
        // A failure is logged by the first save, which tries again.
        restore().catch(() => undefined);
        const tail = encodeHistory(history, Math.max(savedAt, clock.now() - maxTailMs));
        await store.publish(name.current, { ...self(), savedAt, tail });
      })
      // The readiness of the store shows why it fails.
      .catch(() => undefined)
      .finally(() => {
        publishing = undefined;
      });
  };
  const check = (): Promise<void> => {
    checkedAt = clock.monotonic();
    checking ??= checkHealth()
      .then(health.observe)
      .finally(() => {
        checking = undefined;
      });
    return checking;
  };

  const tick = (lateMs: number): void => {
    loopDelayMs = lateMs;
    const values = sampler.sample(lateMs);
    latest = values;
    // The second that has ended.
    history.record(clock.now() - 1_000, values);
    const minute = Math.floor(clock.now() / 60_000);
    if (minute !== savedMinute) {
      savedMinute = minute;
      void save();
      cluster.forget();
    }
    // The first check waits too, so that a process that runs for seconds only calls no other system.
    if (clock.monotonic() - Math.max(checkedAt, createdAt) >= healthEveryMs) void check();
    if (isShared && clock.monotonic() - publishedAt >= publishEveryMs - 100) publish();
  };
  const schedule = (): void => {
    const waitMs = 1_000 - (Math.floor(clock.now()) % 1_000) + marginMs;
    const dueAt = clock.monotonic() + waitMs;
    cancelTimer = clock.after(waitMs, () => {
      if (isStopped) return;
      tick(Math.max(0, clock.monotonic() - dueAt));
      schedule();
    });
  };
  let known: { readonly nodes: Promise<readonly NodeEntry[]>; readonly readAt: number } | undefined;
  /** Read once a second, however many ranges are shown. */
  const otherNodes = (): Promise<readonly NodeEntry[]> => {
    if (!isShared) return Promise.resolve([]);
    const now = clock.monotonic();
    if (!known || now - known.readAt >= nodesEveryMs) {
      const nodes = store.nodes().then(
        (found) =>
          found.filter((entry) => entry.state.instance !== identity.instance && entry.name !== ownName()),
        () => [],
      );
      known = { nodes, readAt: now };
    }
    return known.nodes;
  };

  return {
    history,
    name: () => name.current,
    peers: async () =>
      (await otherNodes())
        .filter(isAlive)
        .map((entry) => ({ name: entry.name, instance: entry.state.instance })),
    start: () => {
      // Where others share the store, the name has to be claimed first.
      if (!isShared) restore().catch(() => undefined);
      schedule();
    },
    stop: async (deadline) => {
      isStopped = true;
      cancelTimer?.();
      const saved = (async () => {
        await saving;
        if (!name.isSettled) name.leave();
        await save();
        // One that ended after the last would make this node look alive.
        await publishing;
        // Consoles of other nodes do not wait for its answers then.
        if (isShared)
          await store
            .publish(name.current, { ...self(), savedAt, tail: '', isStopped: true })
            .catch(() => undefined);
      })();
      await (deadline ? deadline.settles(saved) : saved);
    },
    overview: async (range) => {
      if (clock.monotonic() - checkedAt >= watchedHealthEveryMs) await check();
      const others = await otherNodes();
      const histories = await cluster.read(others);
      const overdueSms = await deps.overdueSms?.().catch(() => undefined);
      const now = clock.now();
      return {
        verdict: verdictOf({ ...factsOf(histories, health.entries(), now), overdueSms }),
        window: windowOf(histories, ranges[range], now),
        health: health.entries(),
        nodes: [
          { ...self(), name: name.current, isThis: true, isAlive: true, lastSeen: now },
          ...others.map((entry) => viewOf(entry, now)).reverse(),
        ],
      };
    },
  };
}

function factsOf(histories: readonly History[], health: readonly HealthEntry[], now: number) {
  const minutes = verdictMinutes;
  const sum = (...names: Parameters<typeof recentSum>[1]) => recentSum(histories, names, minutes, now);
  const { waiting, dead_letters } = windowOf(histories, { step: 1, group: 1, length: 5 }, now).columns;
  const lastOf = (column: readonly (number | null)[]) =>
    column.findLast((value) => value !== null) ?? undefined;
  return {
    minutes,
    inbound: sum('inbound'),
    refused: sum('inbound_refused'),
    published: sum('published'),
    publishFailed: sum('publish_failed'),
    waiting: lastOf(waiting),
    deadLetters: lastOf(dead_letters),
    health,
  };
}

function viewOf(entry: NodeEntry, now: number): NodeView {
  const { name, state, ageMs } = entry;
  const { tail: _tail, savedAt: _savedAt, ...shown } = state;
  return { ...shown, name, isThis: false, isAlive: isAlive(entry), lastSeen: now - ageMs };
}
