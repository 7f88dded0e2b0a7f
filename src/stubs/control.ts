// The routes below `/__`, by which tests look into a stand-in and change it.

import type { IncomingMessage, ServerResponse } from 'node:http';
import { type BehaviourOptions, behaviourIn } from './behaviour.ts';
import { pathOf, readObject, sendJson } from './listening.ts';
import type { Recent } from './recent.ts';

/** What each route answers, by method and path; a POST gets the JSON object that came. */
export type ControlRoutes = Readonly<Record<string, (body: Readonly<Record<string, unknown>>) => unknown>>;

export function isControl(request: IncomingMessage): boolean {
  return pathOf(request).startsWith('/__');
}

/** Answers one of the routes, or 404. Throws what the route throws. */
export async function answerControl(
  routes: ControlRoutes,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const route = routes[`${request.method} ${pathOf(request)}`];
  if (!route) return sendNoRoute(response);
  const body = request.method === 'POST' ? await readObject(request) : {};
  sendJson(response, 200, JSON.stringify(route(body)));
}

export function sendNoRoute(response: ServerResponse): void {
  sendJson(response, 404, '{"error":"no such route"}');
}

/** GET lists what came in, DELETE forgets it. */
export function listRoutes(path: string, items: Recent<object>): ControlRoutes {
  return {
    [`GET ${path}`]: () => items.all(),
    [`DELETE ${path}`]: () => {
      items.clear();
      return [];
    },
  };
}

/** Changes the behaviour, and answers what it was told. */
export function behaviourRoute<M extends string>(
  modes: readonly M[],
  set: (mode: M, options: BehaviourOptions) => void,
): ControlRoutes {
  return {
    'POST /__behaviour': (body) => {
      const { mode, ...options } = behaviourIn(body, modes);
      set(mode, options);
      return { mode, ...options };
    },
  };
}
