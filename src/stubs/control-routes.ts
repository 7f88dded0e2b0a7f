// The routes below `/__`, with which tests inspect and control a stub.

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { RecentLog } from './recent-log.ts';
import { type ModeOptions, parseModeRequest } from './response-mode.ts';
import { pathOf, readObject, sendJson } from './stub-server.ts';

/** The response of each route, by method and path; a POST route gets the JSON object of the body. */
export type ControlRoutes = Readonly<Record<string, (body: Readonly<Record<string, unknown>>) => unknown>>;

export function isControl(request: IncomingMessage): boolean {
  return pathOf(request).startsWith('/__');
}

/** Method and path of a request, as in `GET /path`. A HEAD counts as GET, because Node omits the body. */
export function routeOf(request: IncomingMessage): string {
  const { method = '' } = request;
  return `${method === 'HEAD' ? 'GET' : method} ${pathOf(request)}`;
}

/** Responds for one of the routes, or with 404. Throws what the route throws. */
export async function handleControl(
  routes: ControlRoutes,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const route = routes[routeOf(request)];
  if (!route) return sendNotFound(response);
  const body = request.method === 'POST' ? await readObject(request) : {};
  sendJson(response, 200, JSON.stringify(route(body)));
}

export function sendNotFound(response: ServerResponse): void {
  sendJson(response, 404, '{"error":"no such route"}');
}

/** GET lists the items, DELETE clears them. */
export function listRoutes(path: string, items: RecentLog<object>): ControlRoutes {
  return {
    [`GET ${path}`]: () => items.all(),
    [`DELETE ${path}`]: () => {
      items.clear();
      return [];
    },
  };
}

/** The route that changes the mode of the stub. */
export function modeRoute<M extends string>(
  modes: readonly M[],
  set: (mode: M, options: ModeOptions) => void,
): ControlRoutes {
  return {
    'POST /__behaviour': (body) => {
      const { mode, ...options } = parseModeRequest(body, modes);
      set(mode, options);
      return { mode, ...options };
    },
  };
}
