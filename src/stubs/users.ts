// Stand-in for the user management API, for trials and test pipelines. Used by `swob stub users` and tests.

import { readFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { messageOf, SwobError } from '../errors.ts';
import { isObject, pathOf, type RunningStub, readObject, startServer, textIn } from './listening.ts';
import { createSessionCookies } from './session-cookies.ts';

export interface UsersStubOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** Passwords by user id. */
  readonly users: ReadonlyMap<string, string>;
  /** What every user has saved; without it `builtInPlatforms`. */
  readonly platforms?: readonly Record<string, unknown>[];
}

/** What the platforms of the real API look like; `logo` is a path on the API itself. */
export const builtInPlatforms: readonly Record<string, unknown>[] = [
  {
    name: 'gmail',
    description: 'Send and receive mail',
    type: 'email',
    letter: 'g',
    logo: '/logos/gmail.svg',
  },
  { name: 'twitter', description: 'Post tweets', type: 'text', letter: 't', logo: '/logos/twitter.svg' },
  {
    name: 'telegram',
    description: 'Send messages',
    type: 'messaging',
    letter: 'T',
    logo: '/logos/telegram.svg',
  },
];

interface Answer {
  readonly status: number;
  readonly headers?: Record<string, string>;
  readonly body?: string;
}

/** Starts the stand-in; throws UNAVAILABLE when the address cannot be listened on. */
export async function startUsersStub(options: UsersStubOptions): Promise<RunningStub> {
  const platforms = options.platforms ?? builtInPlatforms;
  const cookies = createSessionCookies();

  const verify = async (request: IncomingMessage, userId: string): Promise<Answer> => {
    const password = textIn(await readObject(request), 'password');
    if (options.users.get(userId) !== password) return { status: 401 };
    return json({}, { 'set-cookie': cookies.issue(userId) });
  };
  const list = (request: IncomingMessage, userId: string): Answer => {
    if (cookies.ownerOf(request) !== userId) return { status: 401 };
    return json({ saved_platforms: platforms, unsaved_platforms: [] });
  };
  const answer = async (request: IncomingMessage): Promise<Answer> => {
    const path = pathOf(request);
    const route = `${request.method} ${path}`;
    const [, userId, action] = /^\/v2\/users\/([^/]+)\/(verify|platforms)$/.exec(path) ?? [];
    if (userId !== undefined) {
      const user = decode(userId);
      if (user === undefined) return { status: 400 };
      if (request.method === 'POST' && action === 'verify') return verify(request, user);
      if (request.method === 'GET' && action === 'platforms') return list(request, user);
    }
    const platform = builtInPlatforms.find(({ logo }) => route === `GET ${logo}`);
    return platform === undefined
      ? { status: 404 }
      : {
          status: 200,
          headers: { 'content-type': 'image/svg+xml' },
          body: logoWith(String(platform.letter)),
        };
  };

  return startServer(options, async (request, response) => {
    const { status, headers, body = '' } = await answer(request);
    response.writeHead(status, headers).end(body);
  });
}

/** Platforms for `startUsersStub` from a JSON file; throws BAD_INPUT, naming the file. */
export async function readPlatformsFile(path: string): Promise<Record<string, unknown>[]> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(await readFile(path, 'utf8'));
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

function json(value: unknown, headers: Record<string, string> = {}): Answer {
  return {
    status: 200,
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(value),
  };
}

function logoWith(letter: string): string {
  return (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><rect width="16" height="16" rx="3"/>' +
    `<text x="8" y="12" fill="#fff" font-size="12" text-anchor="middle">${letter}</text></svg>`
  );
}
