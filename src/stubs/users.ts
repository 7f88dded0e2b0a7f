// Stub of the user management API, for trials and test pipelines. Used by `swob stub users` and tests.

import { readFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import type { Clock } from '../domain/shared/ports.ts';
import { messageOf, SwobError } from '../errors.ts';
import { isObject, parseJson } from '../lib/json.ts';
import { decodeUtf8 } from '../lib/utf8.ts';
import { type BasicMode, basicModes, respondInBasicMode } from './basic-modes.ts';
import { handleControl, isControl, modeRoute, routeOf } from './control-routes.ts';
import { createModeSwitch, type ModeOptions } from './response-mode.ts';
import { createSessionCookies, userAgentOf } from './session-cookies.ts';
import type { BehaviourStep } from './stub-script.ts';
import {
  pathOf,
  type RunningStub,
  readObject,
  readString,
  type StubAddress,
  startStubServer,
} from './stub-server.ts';
import { systemClock } from './system-clock.ts';

export interface UsersStubOptions extends StubAddress {
  /** Passwords by user id. */
  readonly users: ReadonlyMap<string, string>;
  /** The saved platforms of every user; `builtInPlatforms` unless given. */
  readonly platforms?: readonly Record<string, unknown>[];
  /** The modes of the first requests, in order; normal afterwards. */
  readonly steps?: readonly BehaviourStep<BasicMode>[];
  /** The system's clock by default. */
  readonly clock?: Pick<Clock, 'now' | 'after'>;
}

export interface RunningUsersStub extends RunningStub {
  /** Changes the mode; throws BAD_INPUT when a number is out of range. */
  setMode(mode: BasicMode, options?: ModeOptions): void;
}

/** In the form of the real API; `logo` is a path on the API itself. */
export const builtInPlatforms: readonly Record<string, unknown>[] = [
  {
    name: 'gmail',
    description: 'Send and receive mail',
    type: 'email',
    letter: 'g',
    logo: '/logos/gmail.svg',
  },
  {
    name: 'twitter',
    description: 'Post tweets',
    type: 'text',
    letter: 't',
    logo: '/logos/twitter.svg',
  },
  {
    name: 'telegram',
    description: 'Send messages',
    type: 'messaging',
    letter: 'T',
    logo: '/logos/telegram.svg',
  },
];

interface StubResponse {
  readonly status: number;
  readonly headers?: Record<string, string>;
  readonly body?: string;
}

/** Starts the stub; throws UNAVAILABLE when it cannot listen at the address. */
export async function startUsersStub(options: UsersStubOptions): Promise<RunningUsersStub> {
  const { clock = systemClock } = options;
  const modes = createModeSwitch<BasicMode>('normal', undefined, options.steps);
  const platforms = options.platforms ?? builtInPlatforms;
  const cookies = createSessionCookies();

  const verify = async (request: IncomingMessage, userId: string): Promise<StubResponse> => {
    const password = readString(await readObject(request), 'password');
    if (options.users.get(userId) !== password) return { status: 401 };
    return json({}, { 'set-cookie': cookies.issue(userId, request) });
  };
  const list = (request: IncomingMessage, userId: string): StubResponse => {
    if (cookies.ownerOf(request) !== userId) return { status: 401 };
    return json({ saved_platforms: platforms, unsaved_platforms: [] });
  };
  const respond = async (request: IncomingMessage): Promise<StubResponse> => {
    const path = pathOf(request);
    const route = routeOf(request);
    const [, userId, action] = /^\/v2\/users\/([^/]+)\/(verify|platforms)$/.exec(path) ?? [];
    if (userId !== undefined) {
      userAgentOf(request);
      const user = decode(userId);
      if (user === undefined) return { status: 400 };
      if (request.method === 'POST' && action === 'verify') return verify(request, user);
      if (route.startsWith('GET ') && action === 'platforms') return list(request, user);
    }
    const platform = builtInPlatforms.find(({ logo }) => route === `GET ${logo}`);
    return platform === undefined
      ? { status: 404 }
      : {
          status: 200,
          headers: { 'content-type': 'image/svg+xml' },
          body: logoSvg(String(platform.letter)),
        };
  };

  const control = modeRoute(basicModes, modes.set);

  const stub = await startStubServer(options, async (request, response) => {
    if (isControl(request)) return handleControl(control, request, response);
    await respondInBasicMode(modes.next(), { name: 'users', clock, response }, async () => {
      const { status, headers, body = '' } = await respond(request);
      response.writeHead(status, headers).end(body);
    });
  });
  return { ...stub, setMode: modes.set };
}

/** Platforms for `startUsersStub` from a JSON file; throws BAD_INPUT, naming the file. */
export async function readPlatformsFile(path: string): Promise<Record<string, unknown>[]> {
  let parsed: unknown;
  try {
    parsed = parseJson(decodeUtf8(await readFile(path)));
  } catch (error) {
    throw new SwobError('BAD_INPUT', `cannot read the platforms file ${path}: ${messageOf(error)}`, {
      cause: error,
    });
  }
  if (Array.isArray(parsed) && parsed.every(isObject)) return parsed;
  throw new SwobError('BAD_INPUT', `the platforms file ${path} is not a JSON list of objects`);
}

function decode(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment);
  } catch {
    return undefined;
  }
}

function json(value: unknown, headers: Record<string, string> = {}): StubResponse {
  return {
    status: 200,
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(value),
  };
}

function logoSvg(letter: string): string {
  return (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><rect width="16" height="16" rx="3"/>' +
    `<text x="8" y="12" fill="#fff" font-size="12" text-anchor="middle">${letter}</text></svg>`
  );
}
