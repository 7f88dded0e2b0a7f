// Stand-in for the PCRF, for trials and test pipelines. Used by `swob stub pcrf` and tests.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { WifiSession } from '../domain/model.ts';
import type { Clock } from '../domain/ports.ts';
import { messageOf, SwobError } from '../errors.ts';
import { close, listen, readBody } from './listening.ts';
import { answerIn, isPcrfMode, type PcrfMode, pcrfModes, sendJson } from './pcrf-modes.ts';

/** Requests that are remembered; the oldest ones are forgotten. */
const maxRequests = 10_000;
/** Milliseconds that a client has to send its request. */
const requestTimeout = 10_000;
const defaultSlowMs = 1_000;
/** An hour: no test waits for longer. */
const maxSlowMs = 3_600_000;

export interface PcrfStubOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** The sessions that there are; without any, every request succeeds. */
  readonly sessions?: readonly WifiSession[];
  /** How it answers from the start; `normal` by default. */
  readonly mode?: PcrfMode;
  /** Milliseconds of mode `slow`; 1,000 by default. */
  readonly ms?: number;
  /** The real one by default. */
  readonly clock?: Pick<Clock, 'now' | 'after' | 'every'>;
}

interface PcrfRequest {
  readonly method: string;
  /** Path and query as they came. */
  readonly url: string;
  /** Names and values of the query in their order, decoded. */
  readonly query: readonly (readonly [string, string])[];
  /** Unix time in milliseconds. */
  readonly at: number;
}

interface BehaviourOptions {
  /** For so many requests; without it for all from now on. */
  readonly count?: number;
  /** Milliseconds of mode `slow`. */
  readonly ms?: number;
}

export interface RunningPcrfStub {
  /** `http://host:port` as bound. */
  readonly url: string;
  /** What was asked, oldest first; the last 10,000. */
  requests(): readonly PcrfRequest[];
  /** Changes how it answers; throws BAD_INPUT when a number is out of its range. */
  setBehaviour(mode: PcrfMode, options?: BehaviourOptions): void;
  /** Ends open connections too; from then on connections are refused. Idempotent. */
  close(): Promise<void>;
}

interface Behaviour {
  readonly mode: PcrfMode;
  readonly ms: number;
}

/** Starts the stand-in; throws UNAVAILABLE when the address cannot be listened on. */
export async function startPcrfStub(options: PcrfStubOptions): Promise<RunningPcrfStub> {
  const { clock = realClock } = options;
  const sessions = new Map(options.sessions?.map((session) => [session.sessionId, session]));
  const everythingSucceeds = sessions.size === 0;
  let requests: PcrfRequest[] = [];
  let standing: Behaviour = behaviour(options.mode ?? 'normal', options.ms);
  let passing: Behaviour & { left: number } = { ...standing, left: 0 };

  const setBehaviour: RunningPcrfStub['setBehaviour'] = (mode, { count, ms } = {}) => {
    const next = behaviour(mode, ms);
    if (count === undefined) standing = next;
    else if (!Number.isSafeInteger(count) || count < 1) {
      throw new SwobError('BAD_INPUT', 'count: expected a whole number from 1');
    }
    passing = { ...next, left: count ?? 0 };
  };
  const currentBehaviour = (): Behaviour => {
    if (passing.left === 0) return standing;
    passing.left -= 1;
    return passing;
  };
  /** The session and, as it goes with it, its MAC are forgotten. */
  const disconnect = (sessionId: string): string => {
    const done = everythingSucceeds || sessions.delete(sessionId);
    return JSON.stringify(
      done ? { success: true } : { success: false, fail: `session ${sessionId} not found` },
    );
  };

  const control = async (route: string, request: IncomingMessage, response: ServerResponse) => {
    switch (route) {
      case 'GET /__requests':
        return sendJson(response, 200, JSON.stringify(requests));
      case 'DELETE /__requests':
        requests = [];
        return sendJson(response, 200, '[]');
      case 'GET /__sessions':
        return sendJson(response, 200, JSON.stringify([...sessions.values()]));
      case 'POST /__behaviour':
        try {
          const { mode, ...rest } = behaviourIn(await readBody(request));
          setBehaviour(mode, rest);
          return sendJson(response, 200, JSON.stringify({ mode, ...rest }));
        } catch (error) {
          const status = error instanceof SwobError ? error.http : 400;
          return sendJson(response, status, JSON.stringify({ error: messageOf(error) }));
        }
      default:
        return sendJson(response, 404, '{"error":"no such route"}');
    }
  };
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { method = '', url = '' } = request;
    const [path = '', ...query] = url.split('?');
    if (path.startsWith('/__')) return control(`${method} ${path}`, request, response);
    const parameters = new URLSearchParams(query.join('?'));
    requests.push({ method, url, query: [...parameters], at: clock.now() });
    if (requests.length > maxRequests) requests.shift();
    if (method !== 'GET' || path !== '/account/disconnect') {
      return sendJson(response, 404, '{"error":"no such route"}');
    }
    const { mode, ms } = currentBehaviour();
    answerIn(mode, response, { ms, clock, normal: () => disconnect(parameters.get('session') ?? '') });
  };

  const server = createServer({ requestTimeout, headersTimeout: requestTimeout }, (request, response) => {
    // It fails when the client goes away in the middle of its body.
    answer(request, response).catch(() => response.destroy());
  });
  const url = await listen(server, options);
  let closed: Promise<void> | undefined;
  return { url, requests: () => requests, setBehaviour, close: () => (closed ??= close(server)) };
}

function behaviour(mode: PcrfMode, ms = defaultSlowMs): Behaviour {
  if (Number.isFinite(ms) && ms >= 0 && ms <= maxSlowMs) return { mode, ms };
  throw new SwobError('BAD_INPUT', `ms: expected a number from 0 to ${maxSlowMs}`);
}

function behaviourIn(body: string | undefined): { mode: PcrfMode } & BehaviourOptions {
  if (body === undefined) throw new SwobError('TOO_LARGE', 'the body is too large');
  let parsed: unknown;
  try {
    parsed = JSON.parse(body);
  } catch {
    throw new SwobError('BAD_INPUT', 'the body is not JSON');
  }
  if (typeof parsed !== 'object' || parsed === null) {
    throw new SwobError('BAD_INPUT', 'the body is not a JSON object');
  }
  const { mode, count, ms }: { mode?: unknown; count?: unknown; ms?: unknown } = parsed;
  if (!isPcrfMode(mode)) throw new SwobError('BAD_INPUT', `mode: expected one of ${pcrfModes.join(', ')}`);
  return {
    mode,
    ...(count !== undefined && { count: numberIn('count', count) }),
    ...(ms !== undefined && { ms: numberIn('ms', ms) }),
  };
}

function numberIn(name: string, value: unknown): number {
  if (typeof value === 'number') return value;
  throw new SwobError('BAD_INPUT', `${name}: expected a number`);
}

const realClock: Pick<Clock, 'now' | 'after' | 'every'> = {
  now: () => Date.now(),
  after: (ms, fn) => {
    const timer = setTimeout(fn, ms);
    return () => clearTimeout(timer);
  },
  every: (ms, fn) => {
    const timer = setInterval(fn, ms);
    return () => clearInterval(timer);
  },
};
