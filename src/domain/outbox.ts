// Tries again what could not be delivered, with growing pauses, until it is done, given up or too old. Used by
// publishing and by callbacks.

import { messageOf, SwobError } from '../errors.ts';
import type { LifeEvent, Parcel } from './model.ts';
import type { Clock, Log, OutboxStore } from './ports.ts';

/** What came of an attempt; the reason is for operators and holds no secret. */
export type Outcome<T> =
  | { readonly kind: 'done' }
  /** Tried again later, until it is too old. `content` in place of what was kept, when the attempt learnt something. */
  | { readonly kind: 'again'; readonly reason: string; readonly content?: T }
  /** No attempt will mend it. */
  | { readonly kind: 'given up'; readonly reason: string; readonly content?: T };

export interface Outbox<T> {
  /** Keeps a new parcel, due at once; on disk when this resolves. Throws UNAVAILABLE. */
  add(id: string, content: T, life?: readonly LifeEvent[]): Promise<void>;
  /** Keeps what a first attempt could not deliver, for later or as given up. Throws UNAVAILABLE. */
  keep(
    id: string,
    content: T,
    failed: Exclude<Outcome<T>, { kind: 'done' }>,
    life: readonly LifeEvent[],
  ): Promise<void>;
  /** Tries a parcel again that was given up, its age counted anew. False when there is none. */
  retry(id: string): Promise<boolean>;
  /** Forgets a parcel that was given up. False when there is none. */
  drop(id: string): Promise<boolean>;
  /** Begins with what an earlier process has left. */
  start(): void;
  /** Starts no more attempts; those under way go on. */
  halt(): void;
  /** Resolves when no attempt is under way. */
  idle(): Promise<void>;
}

export interface OutboxOptions<T> {
  /** In log lines: `message`. */
  readonly name: string;
  readonly store: OutboxStore<T>;
  readonly clock: Clock;
  readonly log: Log;
  /** From 0 to 1, for the jitter. */
  readonly random: () => number;
  /** Attempts under way at once. */
  readonly width: number;
  /** Between two attempts, in milliseconds. */
  readonly maxPauseMs: number;
  /** Older parcels are given up, in milliseconds. */
  readonly maxAgeMs: number;
  /** What to do with a parcel. What it throws counts as `again`. */
  readonly deliver: (parcel: Parcel<T>) => Promise<Outcome<T>>;
  /** Where other processes share the store: how often to look for what they have put or left, in milliseconds. */
  readonly lookEveryMs?: number | undefined;
  /** How long after its arrival a parcel that was given up is kept for an operator, in milliseconds; 0: not at all. */
  readonly keepFailedMs: number;
}

const firstPauseMs = 1_000;
/** How long to leave the store alone when it cannot be written or read. */
const brokenStoreMs = 5_000;
const unreadableMs = 60_000;
/** The clock may be set meanwhile: longer waits are looked at again. */
const longestWaitMs = 60_000;
const maxLife = 20;
const forgottenAtOnce = 10;

/** Milliseconds before the next attempt when `attempts` have failed: doubled each time, half of it by chance. */
export function pauseAfter(attempts: number, longestMs: number, random: () => number): number {
  const pause = Math.min(longestMs, firstPauseMs * 2 ** Math.min(attempts - 1, 20));
  return Math.round(pause / 2 + (random() * pause) / 2);
}

/** The events with one more; the first ones and the last ones are kept. */
export function lived(life: readonly LifeEvent[], at: number, what: string): readonly LifeEvent[] {
  // Not by `...`, which leaves room for 15 more in each of the 100,000 receipts.
  const all = life.concat({ at, what });
  return all.length <= maxLife ? all : [...all.slice(0, 2), ...all.slice(2 - maxLife)];
}

export function createOutbox<T>(options: OutboxOptions<T>): Outbox<T> {
  const { name, store, clock, log, random, width, maxAgeMs, maxPauseMs, deliver, keepFailedMs } = options;
  const { lookEveryMs } = options;
  const running = new Map<string, Promise<void>>();
  let halted = true;
  let cancelTimer = (): void => {};
  let looking: Promise<void> | undefined;
  let lookAgain = false;
  let brokenUntil = Number.NEGATIVE_INFINITY;
  let isBroken = false;

  /** The parcel after a failed attempt, or undefined when nobody wants to know of it any more. */
  const afterFailure = (
    parcel: Parcel<T>,
    outcome: Exclude<Outcome<T>, { kind: 'done' }>,
  ): Parcel<T> | undefined => {
    const now = clock.now();
    const attempts = parcel.attempts + 1;
    const { id } = parcel;
    const tooOld = now - parcel.since >= maxAgeMs;
    const givenUp = outcome.kind === 'given up' || tooOld;
    if (givenUp) {
      log.error({ id, attempts, reason: outcome.reason }, `a ${name} was given up`);
      if (keepFailedMs === 0) return undefined;
    } else log.warn({ id, attempts, reason: outcome.reason }, `a ${name} is tried again later`);
    const what = `attempt ${attempts} failed: ${outcome.reason}`;
    const life = lived(parcel.life, now, what);
    return {
      ...parcel,
      content: outcome.content ?? parcel.content,
      attempts,
      dueAt: givenUp ? null : now + pauseAfter(attempts, maxPauseMs, random),
      life: givenUp ? lived(life, now, tooOld ? 'given up: too old' : 'given up') : life,
    };
  };

  const attempt = async (id: string): Promise<void> => {
    let parcel: Parcel<T> | undefined;
    try {
      parcel = await store.get(id);
    } catch (error) {
      // One record that cannot be read holds up no other.
      log.error({ id, reason: messageOf(error) }, `a ${name} cannot be read; it is tried again later`);
      return store.putOff(id, clock.now() + Math.min(unreadableMs, maxPauseMs));
    }
    const outcome = parcel && (await outcomeOf(parcel));
    const next = !parcel || !outcome || outcome.kind === 'done' ? undefined : afterFailure(parcel, outcome);
    if (!(await store.settle(id, next))) log.warn({ id }, `another process has taken over a ${name}`);
    if (next?.dueAt === null) await forgetOld();
  };

  const outcomeOf = (parcel: Parcel<T>): Promise<Outcome<T>> =>
    deliver(parcel).catch((error: unknown) => ({ kind: 'again', reason: messageOf(error) }));

  const forget = async (id: string, why: string): Promise<void> => {
    if (await store.discard(id)) log.error({ id }, `a ${name} that was given up is forgotten: ${why}`);
  };

  const forgetOld = async (): Promise<void> => {
    for (const { id, since } of await store.failed(forgottenAtOnce)) {
      if (clock.now() - since >= keepFailedMs) await forget(id, 'it was kept for its whole time');
    }
  };

  /** What still waits goes before what was given up: the oldest of those gives way. */
  const putNew = async (parcel: Parcel<T>): Promise<void> => {
    try {
      await store.put(parcel);
    } catch (error) {
      if (!(error instanceof SwobError && error.noRoom)) throw error;
      const [oldest] = await store.failed(forgottenAtOnce);
      if (!oldest) throw error;
      await forget(oldest.id, 'a new one needs its room');
      await store.put(parcel);
    }
  };

  const begin = (id: string): void => {
    const work = attempt(id)
      .catch((error: unknown) => {
        storeFailed(error);
        return giveBack(id, clock.now() + Math.min(brokenStoreMs, maxPauseMs));
      })
      .then(() => {
        running.delete(id);
        look();
      });
    running.set(id, work);
  };

  /** Whatever is done meanwhile could not be written down, and would be done again and again. */
  const storeFailed = (error: unknown): void => {
    const message = `the store of ${name}s cannot be used now`;
    // Once an outage: it is looked at again every few seconds.
    if (isBroken) log.debug({ reason: messageOf(error) }, message);
    else log.error({ reason: messageOf(error) }, message);
    isBroken = true;
    brokenUntil = clock.monotonic() + brokenStoreMs;
  };

  const waitFor = (ms: number): void => {
    cancelTimer();
    cancelTimer = halted ? () => {} : clock.after(ms, look);
  };

  /** So that it is not ours for ever. Where that fails as well, our claim runs out. */
  const giveBack = (id: string, until: number): Promise<void> =>
    store.putOff(id, until).catch((error: unknown) => {
      log.debug({ id, reason: messageOf(error) }, `a claimed ${name} could not be given back`);
    });

  const beginDue = async (): Promise<void> => {
    const broken = brokenUntil - clock.monotonic();
    if (broken > 0) return waitFor(broken);
    const earliest = await store.nextDue();
    isBroken = false;
    if (halted || (earliest === undefined && lookEveryMs === undefined)) return cancelTimer();
    const now = clock.now();
    // Later than any pause: the clock was set back, and they would wait for ever.
    const until = earliest !== undefined && earliest - now > maxPauseMs ? earliest : now;
    const free = width - running.size;
    const ids = free > 0 ? await store.claim(until, free) : [];
    if (halted) return void (await Promise.all(ids.map((id) => giveBack(id, now))));
    for (const id of ids) begin(id);
    // Ends of attempts look again by themselves; what is due and cannot begin now is looked at in a second.
    const soon = running.size > 0 || (earliest !== undefined && earliest <= now);
    const wait = soon ? 1_000 : Math.min(longestWaitMs, (earliest ?? Number.POSITIVE_INFINITY) - now);
    waitFor(Math.min(wait, lookEveryMs ?? wait));
  };

  /** One look at a time: another one that is asked for meanwhile comes after it. */
  const look = (): void => {
    if (halted) return;
    if (looking) {
      lookAgain = true;
      return;
    }
    looking = beginDue()
      .catch((error: unknown) => {
        storeFailed(error);
        lookAgain = true;
      })
      .then(() => {
        looking = undefined;
        if (!lookAgain) return;
        lookAgain = false;
        look();
      });
  };

  const newParcel = (id: string, content: T, life: readonly LifeEvent[]): Parcel<T> => {
    const now = clock.now();
    return { id, content, since: now, dueAt: now, attempts: 0, life };
  };

  return {
    add: async (id, content, life = []) => {
      await putNew(newParcel(id, content, life));
      look();
    },
    keep: async (id, content, failed, life) => {
      const next = afterFailure(newParcel(id, content, life), failed);
      if (next) await putNew(next);
      look();
    },
    retry: async (id) => {
      const parcel = await store.get(id);
      if (parcel?.dueAt !== null) return false;
      const now = clock.now();
      const life = lived(parcel.life, now, 'to be tried again, by an operator');
      await store.put({ ...parcel, since: now, dueAt: now, attempts: 0, life });
      look();
      return true;
    },
    drop: (id) => store.discard(id),
    start: () => {
      halted = false;
      forgetOld().catch(storeFailed);
      look();
    },
    halt: () => {
      halted = true;
      cancelTimer();
    },
    idle: async () => {
      await looking;
      await Promise.all(running.values());
    },
  };
}
