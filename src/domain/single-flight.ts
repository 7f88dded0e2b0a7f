// Work that runs once at a time for each key, and whose outcome all who ask meanwhile get: in this process, and in all
// that share its store. Used by publishing, outgoing and disconnects.

import { type ErrorCode, isErrorCode, messageOf, SwobError } from '../errors.ts';
import type { Clock, FlightStore, Log } from './ports.ts';

export interface SingleFlight<T> {
  /**
   * The outcome of `work`, or of the work that is under way for this key. Throws as that does; UNAVAILABLE when work of
   * another process takes too long, or the store is away.
   */
  run(key: string, work: () => Promise<T>): Promise<T>;
  /** Whether this process is at work for the key. */
  has(key: string): boolean;
  /** Keys at work in this process. */
  readonly size: number;
  /** Resolves when nothing is at work in this process. */
  idle(): Promise<void>;
}

export interface SingleFlightOptions<T> {
  /** Begins each key in the store: `sms`. */
  readonly name: string;
  /** Undefined: no other process is to be asked. */
  readonly flights: FlightStore | undefined;
  readonly clock: Clock;
  readonly log: Log;
  /** A value that another process has reported; undefined when it is none. */
  readonly read: (value: unknown) => T | undefined;
}

/** A process that dies holds its keys up for this long. */
const leaseMs = 10_000;
const renewEveryMs = 3_000;
/** Between two looks at the work of another process: the first, and the longest. */
const firstLookMs = 20;
const longestLookMs = 250;
/** No work takes longer: the systems behind it have their own bounds. */
const longestWaitMs = 300_000;

export function createSingleFlight<T>(options: SingleFlightOptions<T>): SingleFlight<T> {
  const { name, flights, clock, log } = options;
  const here = new Map<string, Promise<T>>();

  const everywhere = async (shared: FlightStore, key: string, work: () => Promise<T>): Promise<T> => {
    const deadline = clock.monotonic() + longestWaitMs;
    while (clock.monotonic() < deadline) {
      const { flight, mine } = await shared.begin(key, leaseMs);
      if (mine) return fly(shared, { key, flight }, work);
      const outcome = await outcomeOf(shared, { key, flight }, deadline);
      if (outcome !== undefined) return read(outcome);
      // Its process has died.
    }
    throw new SwobError(
      'UNAVAILABLE',
      `the same ${name} is under way elsewhere and does not end; try again`,
      {
        retryAfter: 1,
      },
    );
  };

  /** Flies it to its end, and tells the others how it ended. */
  const fly = async (shared: FlightStore, at: Flight, work: () => Promise<T>): Promise<T> => {
    const note = (what: string) => (error: unknown) =>
      log.warn({ name, reason: messageOf(error) }, `work under way could not be ${what}`);
    const stop = clock.every(renewEveryMs, () => {
      shared.renew(at.key, at.flight, leaseMs).catch(note('renewed'));
    });
    const land = (outcome: Outcome): Promise<void> =>
      shared.land(at.key, at.flight, JSON.stringify(outcome)).catch(note('reported'));
    try {
      const value = await work();
      stop();
      await land({ value });
      return value;
    } catch (error) {
      stop();
      await land({ error: told(error) });
      throw error;
    }
  };

  const outcomeOf = async (
    shared: FlightStore,
    at: Flight,
    deadline: number,
  ): Promise<string | undefined> => {
    for (let pause = firstLookMs; clock.monotonic() < deadline; pause = Math.min(longestLookMs, pause * 2)) {
      const found = await shared.look(at.key, at.flight);
      if (found === 'lost') return undefined;
      if (found !== 'under way') return found.outcome;
      await new Promise<void>((resolve) => clock.after(pause, resolve));
    }
    return undefined;
  };

  const read = (text: string): T => {
    const outcome: Partial<Outcome> = Object(parse(text));
    if (outcome.error) throw errorOf(outcome.error);
    const value = options.read(outcome.value);
    if (value === undefined)
      throw new SwobError('INTERNAL', `another process reports a ${name} that is none`);
    return value;
  };

  return {
    run: (key, work) => {
      const running = here.get(key);
      if (running) return running;
      const mine = (flights ? everywhere(flights, `${name}:${key}`, work) : work()).finally(() =>
        here.delete(key),
      );
      here.set(key, mine);
      return mine;
    },
    has: (key) => here.has(key),
    get size() {
      return here.size;
    },
    idle: async () => void (await Promise.allSettled(here.values())),
  };
}

interface Flight {
  readonly key: string;
  readonly flight: string;
}

/** As processes tell each other. */
interface Outcome {
  readonly value?: unknown;
  readonly error?: Told;
}

interface Told {
  readonly code: ErrorCode;
  readonly message: string;
  readonly forClients: string;
  readonly retryAfter?: number | undefined;
}

function told(error: unknown): Told {
  const known = error instanceof SwobError ? error : new SwobError('INTERNAL', messageOf(error));
  return {
    code: known.code,
    message: known.message,
    forClients: known.forClients,
    retryAfter: known.retryAfter,
  };
}

function errorOf({ code, message, forClients, retryAfter }: Told): SwobError {
  if (!isErrorCode(code)) return new SwobError('INTERNAL', 'another process reports an error that is none');
  return new SwobError(code, String(message), {
    forClients: String(forClients),
    ...(typeof retryAfter === 'number' && { retryAfter }),
  });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
