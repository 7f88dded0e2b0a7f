// Stub of the PCRF, for trials and test pipelines. Used by `swob stub pcrf` and tests.

import type { ServerResponse } from 'node:http';
import { LRUCache } from 'lru-cache';
import type { Clock } from '../domain/shared/ports.ts';
import type { WifiSession } from '../domain/wifi/model.ts';
import {
  type ControlRoutes,
  handleControl,
  isControl,
  listRoutes,
  modeRoute,
  sendNotFound,
} from './control-routes.ts';
import { type PcrfMode, pcrfModes, respondInMode } from './pcrf-modes.ts';
import { createRecentLog } from './recent-log.ts';
import { createModeSwitch, type ModeOptions } from './response-mode.ts';
import type { BehaviourStep } from './stub-script.ts';
import { type RunningStub, type StubAddress, sendJson, startStubServer } from './stub-server.ts';
import { systemClock } from './system-clock.ts';

/** The oldest requests are dropped. */
const maxRequests = 10_000;
/** In UTF-16 units, of the URLs of all requests and of what is decoded from them. */
const maxUnits = 16_000_000;

export interface PcrfStubOptions extends StubAddress {
  /** The existing sessions; without any, every request succeeds. */
  readonly sessions?: readonly WifiSession[];
  /** The mode at start; `normal` by default. */
  readonly mode?: PcrfMode;
  /** Milliseconds of mode `slow`; 1,000 by default. */
  readonly ms?: number;
  /** The modes of the first requests, in order. */
  readonly steps?: readonly BehaviourStep<PcrfMode>[];
  /** The system's clock by default. */
  readonly clock?: Pick<Clock, 'now' | 'after' | 'every'>;
}

interface PcrfRequest {
  readonly method: string;
  /** Path and query as received. */
  readonly url: string;
  /** Names and values of the query in their order, decoded. */
  readonly query: readonly (readonly [string, string])[];
  /** Unix time in milliseconds. */
  readonly at: number;
}

export interface RunningPcrfStub extends RunningStub {
  /** The last 10,000 requests, fewer when their URLs are very long, oldest first. */
  requests(): readonly PcrfRequest[];
  /** Changes the mode; throws BAD_INPUT when a number is out of range. */
  setMode(mode: PcrfMode, options?: ModeOptions): void;
}

/** Starts the stub; throws UNAVAILABLE when it cannot listen at the address. */
export async function startPcrfStub(options: PcrfStubOptions): Promise<RunningPcrfStub> {
  const { clock = systemClock } = options;
  const sessions = new Map(options.sessions?.map((session) => [session.sessionId, session]));
  const acceptsAny = sessions.size === 0;
  const requests = createRecentLog<PcrfRequest>(maxRequests, {
    max: maxUnits,
    of: ({ url }) => 2 * url.length,
  });
  const modes = createModeSwitch<PcrfMode>(options.mode ?? 'normal', options.ms, options.steps);
  /** The last sessions that ended where every session exists. */
  const ended = new LRUCache<string, true>({
    ...{ max: maxRequests, maxSize: maxUnits },
    sizeCalculation: (_, sessionId) => sessionId.length + 1,
  });
  const answerQuery = (sessionId: string, response: ServerResponse): void => {
    const session = sessions.get(sessionId) ?? (acceptsAny && !ended.has(sessionId) && { sessionId });
    if (session) sendJson(response, 200, JSON.stringify(session));
    else sendJson(response, 404, JSON.stringify({ error: `session ${sessionId} not found` }));
  };
  /** Removes the session. @returns the body of the response */
  const disconnect = (sessionId: string): string => {
    if (acceptsAny) ended.set(sessionId, true);
    const isDisconnected = acceptsAny || sessions.delete(sessionId);
    return JSON.stringify(
      isDisconnected ? { success: true } : { success: false, fail: `session ${sessionId} not found` },
    );
  };
  const control: ControlRoutes = {
    ...listRoutes('/__requests', requests),
    ...modeRoute(pcrfModes, modes.set),
    'GET /__sessions': () => [...sessions.values()],
  };

  const stub = await startStubServer(options, async (request, response) => {
    if (isControl(request)) return handleControl(control, request, response);
    const { method = '', url = '' } = request;
    const [path = '', ...query] = url.split('?');
    const parameters = new URLSearchParams(query.join('?'));
    requests.add({ method, url, query: [...parameters], at: clock.now() });
    const sessionId = parameters.get('session') ?? '';
    if (method === 'GET' && path === '/account/session') return answerQuery(sessionId, response);
    if (method !== 'GET' || path !== '/account/disconnect') return sendNotFound(response);
    const { mode, ms } = modes.next();
    respondInMode(mode, response, {
      ms,
      clock,
      normal: () => disconnect(sessionId),
      ignored: () => JSON.stringify({ success: true }),
    });
  });
  return { ...stub, requests: () => requests.all(), setMode: modes.set };
}
