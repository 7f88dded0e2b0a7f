// Stub of the developer API and of the back end, which maps numbers to users, on one port. Used by
// `swob stub developer` and tests.

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '../domain/shared/ports.ts';
import { SwobError } from '../errors.ts';
import {
  type ControlRoutes,
  handleControl,
  isControl,
  listRoutes,
  modeRoute,
  sendNotFound,
} from './control-routes.ts';
import { createRecentLog } from './recent-log.ts';
import { checkCount, createModeSwitch, type ModeOptions } from './response-mode.ts';
import { createSessionCookies, userAgentOf } from './session-cookies.ts';
import type { BehaviourStep } from './stub-script.ts';
import {
  pathOf,
  type RunningStub,
  readObject,
  readString,
  type StubAddress,
  sendJson,
  startStubServer,
} from './stub-server.ts';
import { systemClock } from './system-clock.ts';

/** The oldest requests are dropped. */
const maxRequests = 10_000;
/** Small, because requests are kept. */
const maxBodyBytes = 4_096;

const developerModes = ['normal', 'refuse', 'hang', 'expire'] as const;

/**
 * - `normal`: simulates working systems; `refuse`: simulates failing ones, with 500; `hang`: never responds
 * - `expire`: simulates expired sessions: the next request to the back end, or `count` of them, gets 401
 */
type DeveloperMode = (typeof developerModes)[number];

/** The modes of every request, as in the scripts of other stubs. */
export const scriptedDeveloperModes = ['normal', 'refuse', 'hang'] as const;
type ScriptedMode = (typeof scriptedDeveloperModes)[number];

export interface DeveloperStubOptions extends StubAddress {
  /** Auth keys by auth id. Without any, every id and key is accepted, and the back end requires no sign-in. */
  readonly developers?: ReadonlyMap<string, string>;
  /** Users by number. Without any, every number belongs to the user of the same name. */
  readonly numbers?: ReadonlyMap<string, string>;
  /** The modes of the first requests, in order; normal afterwards. */
  readonly steps?: readonly BehaviourStep<ScriptedMode>[];
  /** The system's clock by default. */
  readonly clock?: Pick<Clock, 'now'>;
}

/** A request as it is listed, without keys and cookies. */
interface DeveloperRequest {
  readonly method: string;
  readonly path: string;
  readonly auth_id?: string;
  readonly phone_number?: string;
  /** Unix time in milliseconds. */
  readonly at: number;
}

export interface RunningDeveloperStub extends RunningStub {
  /** The last 10,000 well-formed requests, oldest first. */
  requests(): readonly DeveloperRequest[];
  /** Changes the mode; throws BAD_INPUT when a number is out of range. */
  setMode(mode: DeveloperMode, options?: ModeOptions): void;
}

/** Starts the stub; throws UNAVAILABLE when it cannot listen at the address. */
export async function startDeveloperStub(options: DeveloperStubOptions): Promise<RunningDeveloperStub> {
  const {
    clock = systemClock,
    developers = new Map<string, string>(),
    numbers = new Map<string, string>(),
  } = options;
  const cookies = createSessionCookies();
  const requests = createRecentLog<DeveloperRequest>(maxRequests);
  const modes = createModeSwitch<ScriptedMode>('normal', undefined, options.steps);
  /** Requests to the back end that will still get 401. */
  let expiring = 0;

  const setMode: RunningDeveloperStub['setMode'] = (mode, given = {}) => {
    if (mode === 'expire') {
      expiring = checkCount(given.count ?? 1);
    } else {
      modes.set(mode, given);
      expiring = 0;
    }
  };
  const authenticate = (
    authId: string,
    authKey: string,
    request: IncomingMessage,
    response: ServerResponse,
  ): void => {
    const isValid =
      developers.size === 0 ? authId !== '' && authKey !== '' : developers.get(authId) === authKey;
    if (!isValid) throw new SwobError('UNAUTHENTICATED', 'wrong credentials');
    sendJson(response, 200, '{}', { 'set-cookie': cookies.issue(authId, request) });
  };
  const respondWithUser = (number: string, request: IncomingMessage, response: ServerResponse): void => {
    if (expiring > 0) {
      expiring -= 1;
      cookies.clear();
      throw new SwobError('UNAUTHENTICATED', 'sign in again');
    }
    if (developers.size > 0 && cookies.ownerOf(request) === undefined) {
      throw new SwobError('UNAUTHENTICATED', 'sign in first');
    }
    const user = numbers.size === 0 ? number : numbers.get(number);
    if (user === undefined) throw new SwobError('FORBIDDEN', 'forbidden');
    sendJson(response, 200, JSON.stringify({ user_id: user }));
  };
  /** Records a request. @returns whether it gets a normal response; throws in mode `refuse` */
  const record = (request: IncomingMessage, members: Partial<DeveloperRequest>): boolean => {
    userAgentOf(request);
    requests.add({ method: 'POST', path: pathOf(request), ...members, at: clock.now() });
    const { mode } = modes.next();
    if (mode === 'refuse') throw new SwobError('INTERNAL', 'the developer stub was told to refuse');
    return mode === 'normal';
  };
  const control: ControlRoutes = {
    ...listRoutes('/__requests', requests),
    ...modeRoute(developerModes, setMode),
  };

  const stub = await startStubServer(options, async (request, response) => {
    if (isControl(request)) return handleControl(control, request, response);
    const route = `${request.method} ${pathOf(request)}`;
    if (route === 'POST /v1/authenticate') {
      const body = await readObject(request, maxBodyBytes);
      const [authId, authKey] = [readString(body, 'auth_id'), readString(body, 'auth_key')];
      if (record(request, { auth_id: authId })) authenticate(authId, authKey, request, response);
    } else if (route === 'POST /users') {
      const number = readString(await readObject(request, maxBodyBytes), 'phone_number');
      if (record(request, { phone_number: number })) respondWithUser(number, request, response);
    } else sendNotFound(response);
  });
  return { ...stub, requests: () => requests.all(), setMode };
}
