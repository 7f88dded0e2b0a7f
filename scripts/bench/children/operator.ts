// An operator who has the console open, and looks at one view after another. Used by mixed.ts.

import { Pool } from 'undici';

const views = [
  ...['overview?range=10m', 'overview?range=24h', 'seeds', 'messages', 'messages?text=23767', 'pairings'],
  ...['outgoing', 'disconnects', 'log', 'settings'],
];
/** Pages with live updates that are open at the same time. */
const openPages = 4;
/** Calls after which the operator signs out, and in again. */
const callsOfSession = 200;
const ownPage = { 'sec-fetch-site': 'same-origin', 'x-swob-console': '1' };

interface Page {
  close(): void;
}

interface Session {
  readonly cookie: Promise<string>;
  readonly running: Set<Promise<unknown>>;
}

/** The function makes a call; it rejects on an unexpected response. */
export function createOperator(gateway: string, token: string): () => Promise<void> {
  // Streams stay open, so that they need connections of their own.
  const pool = new Pool(gateway, { connections: 16, pipelining: 1, bodyTimeout: 0 });
  const open: Page[] = [];
  let session: Session | undefined;
  let calls = 0;

  const call = async (
    method: 'GET' | 'POST',
    path: string,
    headers: Record<string, string>,
    body?: object,
  ) => {
    const response = await pool.request({
      ...{ method, path },
      headers: body ? { ...headers, 'content-type': 'application/json' } : headers,
      ...(body && { body: JSON.stringify(body) }),
    });
    await response.body.dump();
    if (response.statusCode >= 300) throw new Error(`${method} ${path}: ${response.statusCode}`);
    return response.headers;
  };
  const signIn = async (): Promise<string> => {
    const headers = await call('POST', '/console/sign-in', ownPage, { token });
    return String(headers['set-cookie']).split(';')[0] ?? '';
  };
  const openPage = async (path: string, cookie: string): Promise<void> => {
    const abort = new AbortController();
    const stream = await pool.request({ method: 'GET', path, headers: { cookie }, signal: abort.signal });
    if (stream.statusCode !== 200) throw new Error(`GET ${path}: ${stream.statusCode}`);
    const page: Page = { close: () => abort.abort() };
    open.push(page);
    stream.body.on('error', () => {}).resume();
    if (open.length > openPages) open.shift()?.close();
  };

  /** Once the calls of the session have ended, which would be refused after it. */
  const signOut = async ({ cookie, running }: Session): Promise<void> => {
    await Promise.allSettled(running);
    await call('POST', '/console/sign-out', { ...ownPage, cookie: await cookie }, {});
  };
  const visit = async (turn: number, cookie: string): Promise<void> => {
    const view = views[Math.floor(turn / 3) % views.length] ?? '';
    const [name, query = ''] = view.split('?');
    if (turn % 10 === 0) await call('GET', `/console/${name}`, { cookie });
    else if (turn % 10 === 5) await openPage(`/console/api/${name}/events?${query}`, cookie);
    else await call('GET', `/console/api/${view}`, { cookie });
  };

  return async () => {
    const turn = calls++;
    if (turn % callsOfSession === callsOfSession - 1 && session) {
      const ended = session;
      session = undefined;
      for (const page of open.splice(0)) page.close();
      return signOut(ended);
    }
    session ??= { cookie: signIn(), running: new Set() };
    const { cookie, running } = session;
    const visiting = cookie.then((text) => visit(turn, text)).finally(() => running.delete(visiting));
    running.add(visiting);
    await visiting;
  };
}
