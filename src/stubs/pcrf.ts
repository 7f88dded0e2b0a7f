// Stand-in for the PCRF, for trials and test pipelines. Used by `swob stub pcrf` and tests.

import type { WifiSession } from '../domain/model.ts';
import type { Clock } from '../domain/ports.ts';
import { type BehaviourOptions, createBehaviour } from './behaviour.ts';
import {
  answerControl,
  behaviourRoute,
  type ControlRoutes,
  isControl,
  listRoutes,
  sendNoRoute,
} from './control.ts';
import { type RunningStub, startServer } from './listening.ts';
import { answerIn, type PcrfMode, pcrfModes } from './pcrf-modes.ts';
import { realClock } from './real-clock.ts';
import { createRecent } from './recent.ts';

/** Requests that are remembered; the oldest ones are forgotten. */
const maxRequests = 10_000;

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

export interface RunningPcrfStub extends RunningStub {
  /** What was asked, oldest first; the last 10,000. */
  requests(): readonly PcrfRequest[];
  /** Changes how it answers; throws BAD_INPUT when a number is out of its range. */
  setBehaviour(mode: PcrfMode, options?: BehaviourOptions): void;
}

/** Starts the stand-in; throws UNAVAILABLE when the address cannot be listened on. */
export async function startPcrfStub(options: PcrfStubOptions): Promise<RunningPcrfStub> {
  const { clock = realClock } = options;
  const sessions = new Map(options.sessions?.map((session) => [session.sessionId, session]));
  const everythingSucceeds = sessions.size === 0;
  const requests = createRecent<PcrfRequest>(maxRequests);
  const behaviour = createBehaviour<PcrfMode>(options.mode ?? 'normal', options.ms);
  /** The session and, as it goes with it, its MAC are forgotten. */
  const disconnect = (sessionId: string): string => {
    const done = everythingSucceeds || sessions.delete(sessionId);
    return JSON.stringify(
      done ? { success: true } : { success: false, fail: `session ${sessionId} not found` },
    );
  };
  const control: ControlRoutes = {
    ...listRoutes('/__requests', requests),
    ...behaviourRoute(pcrfModes, behaviour.set),
    'GET /__sessions': () => [...sessions.values()],
  };

  const stub = await startServer(options, async (request, response) => {
    if (isControl(request)) return answerControl(control, request, response);
    const { method = '', url = '' } = request;
    const [path = '', ...query] = url.split('?');
    const parameters = new URLSearchParams(query.join('?'));
    requests.add({ method, url, query: [...parameters], at: clock.now() });
    if (method !== 'GET' || path !== '/account/disconnect') return sendNoRoute(response);
    const { mode, ms } = behaviour.next();
    answerIn(mode, response, { ms, clock, normal: () => disconnect(parameters.get('session') ?? '') });
  });
  return { ...stub, requests: () => requests.all(), setBehaviour: behaviour.set };
}
