// Requests of the console's page to its server. Used by the shell, the views and live.ts.

/** A response other than 2xx, or none. */
class ApiError extends Error {
  /** 0 when the server did not respond. */
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** Runs an action of a view: `POST /console/api/<view>/<action>`. Throws ApiError. */
export function runAction<Result>(view: string, action: string, body: object): Promise<Result> {
  return post(`/console/api/${view}/${action}`, body);
}

export function signIn(token: string): Promise<{ readonly expiresAt: number }> {
  return post('/console/sign-in', { token });
}

export function signOut(): Promise<object> {
  return post('/console/sign-out', {});
}

export async function isSignedIn(): Promise<boolean> {
  const session: { readonly signedIn: boolean } = await request('/console/session', {});
  return session.signedIn;
}

/** Why the server refuses a stream; undefined when it does not, or does not respond. */
export async function refusalOf(path: string): Promise<string | undefined> {
  const controller = new AbortController();
  try {
    const response = await fetch(path, { signal: controller.signal });
    return response.ok ? undefined : errorOf(await response.json());
  } catch {
    return undefined;
  } finally {
    // Otherwise the stream, if there is one now, would go on.
    controller.abort();
  }
}

function post<Result>(path: string, body: object): Promise<Result> {
  return request(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-swob-console': '1' },
    body: JSON.stringify(body),
  });
}

async function request<Result>(path: string, init: RequestInit): Promise<Result> {
  let response: Response;
  try {
    response = await fetch(path, init);
  } catch {
    throw new ApiError(0, 'the server does not respond; check that swob runs and that you are connected');
  }
  const body: unknown = await response.json().catch(() => undefined);
  if (!response.ok)
    throw new ApiError(response.status, errorOf(body) ?? `the server responded ${response.status}`);
  // The routes of the console determine the types of their responses.
  return body as Result;
}

function errorOf(body: unknown): string | undefined {
  return typeof body === 'object' && body !== null && 'error' in body ? String(body.error) : undefined;
}
