// Stand-in for the developer API and for the back end that knows the user of a number, on one port. Used by
// `swob stub developer` and tests.

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '../domain/ports.ts';
import { SwobError } from '../errors.ts';
import { type BehaviourOptions, createBehaviour, wholeCount } from './behaviour.ts';
import {
  answerControl,
  behaviourRoute,
  type ControlRoutes,
  isControl,
  listRoutes,
  sendNoRoute,
} from './control.ts';
import { pathOf, type RunningStub, readObject, sendJson, startServer, textIn } from './listening.ts';
import { realClock } from './real-clock.ts';
import { createRecent } from './recent.ts';
import { createSessionCookies } from './session-cookies.ts';

/** Requests that are remembered; the oldest ones are forgotten. */
const maxRequests = 10_000;
/** Credentials and numbers are short; requests are remembered. */
const maxBodyBytes = 4_096;

const developerModes = ['normal', 'refuse', 'hang', 'expire'] as const;

/**
 * - `normal`: as the real ones would; `refuse`: 500; `hang`: no answer
 * - `expire`: the next call of the back end, or `count` of them, finds all log-ins forgotten: 401
 */
type DeveloperMode = (typeof developerModes)[number];

export interface DeveloperStubOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** Auth keys by auth id. Without any, every id and key is right, and the back end asks for no log-in. */
  readonly developers?: ReadonlyMap<string, string>;
  /** Users by number. Without any, every number belongs to the user of the same name. */
  readonly numbers?: ReadonlyMap<string, string>;
  /** The real one by default. */
  readonly clock?: Pick<Clock, 'now'>;
}

/** Never a key or a cookie. */
interface DeveloperRequest {
  readonly method: string;
  readonly path: string;
  readonly auth_id?: string;
  readonly phone_number?: string;
  /** Unix time in milliseconds. */
  readonly at: number;
}

export interface RunningDeveloperStub extends RunningStub {
  /** What was asked and well formed, oldest first; the last 10,000. */
  requests(): readonly DeveloperRequest[];
  /** Changes how it answers; throws BAD_INPUT when a number is out of its range. */
  setBehaviour(mode: DeveloperMode, options?: BehaviourOptions): void;
}

/** Starts the stand-in; throws UNAVAILABLE when the address cannot be listened on. */
export async function startDeveloperStub(options: DeveloperStubOptions): Promise<RunningDeveloperStub> {
  const {
    clock = realClock,
    developers = new Map<string, string>(),
    numbers = new Map<string, string>(),
  } = options;
  const cookies = createSessionCookies();
  const requests = createRecent<DeveloperRequest>(maxRequests);
  const behaviour = createBehaviour<Exclude<DeveloperMode, 'expire'>>('normal');
  /** Calls of the back end that are still to find all log-ins forgotten. */
  let expiring = 0;

  const setBehaviour: RunningDeveloperStub['setBehaviour'] = (mode, given = {}) => {
    if (mode === 'expire') {
      expiring = wholeCount(given.count ?? 1);
    } else {
      behaviour.set(mode, given);
      expiring = 0;
    }
  };
  const authenticate = (authId: string, authKey: string, response: ServerResponse): void => {
    const right =
      developers.size === 0 ? authId !== '' && authKey !== '' : developers.get(authId) === authKey;
    if (!right) throw new SwobError('UNAUTHENTICATED', 'wrong credentials');
    sendJson(response, 200, '{}', { 'set-cookie': cookies.issue(authId) });
  };
  const find = (number: string, request: IncomingMessage, response: ServerResponse): void => {
    if (expiring > 0) {
      expiring -= 1;
      cookies.clear();
      throw new SwobError('UNAUTHENTICATED', 'log in again');
    }
    if (developers.size > 0 && cookies.ownerOf(request) === undefined) {
      throw new SwobError('UNAUTHENTICATED', 'log in first');
    }
    const user = numbers.size === 0 ? number : numbers.get(number);
    if (user === undefined) throw new SwobError('NOT_FOUND', 'no such number');
    sendJson(response, 200, JSON.stringify({ user_id: user }));
  };
  /** Whether it is to be answered as usual; refuses it, or leaves it without an answer. */
  const takes = (request: IncomingMessage, given: Partial<DeveloperRequest>): boolean => {
    requests.add({ method: 'POST', path: pathOf(request), ...given, at: clock.now() });
    const { mode } = behaviour.next();
    if (mode === 'refuse') throw new SwobError('INTERNAL', 'the developer stub was told to refuse');
    return mode === 'normal';
  };
  const control: ControlRoutes = {
    ...listRoutes('/__requests', requests),
    ...behaviourRoute(developerModes, setBehaviour),
  };

  const stub = await startServer(options, async (request, response) => {
    if (isControl(request)) return answerControl(control, request, response);
    const route = `${request.method} ${pathOf(request)}`;
    if (route === 'POST /v1/authenticate') {
      const body = await readObject(request, maxBodyBytes);
      const [authId, authKey] = [textIn(body, 'auth_id'), textIn(body, 'auth_key')];
      if (takes(request, { auth_id: authId })) authenticate(authId, authKey, response);
    } else if (route === 'POST /users') {
      const number = textIn(await readObject(request, maxBodyBytes), 'phone_number');
      if (takes(request, { phone_number: number })) find(number, request, response);
    } else sendNoRoute(response);
  });
  return { ...stub, requests: () => requests.all(), setBehaviour };
}
