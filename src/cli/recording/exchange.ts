// An exchange between swob and a real system, as a recording keeps it: a JSON file without secrets. Used by recorder.ts and
// replay.ts. Its bodies are values of exact-json.ts.

import { SwobError } from '../../errors.ts';
import { isObject } from '../../lib/json.ts';
import { withoutSecrets } from '../../stubs/journal.ts';
import { parseExactJson } from './exact-json.ts';

export interface Exchange {
  readonly request: RecordedRequest;
  readonly response: {
    readonly status: number;
    /** Of `content-type`, `location` and `set-cookie` only; the values of cookies are `***`. */
    readonly headers: Readonly<Record<string, string | readonly string[]>>;
    /** The JSON object or list, without secret members, or the text. */
    readonly body: unknown;
  };
}

interface RecordedRequest {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  /** The JSON object or list, without secret members, or the text. */
  readonly body: unknown;
}

export function recordedRequest({
  request,
  body,
}: {
  readonly request: { readonly method?: string | undefined; readonly url?: string | undefined };
  readonly body: Buffer;
}): RecordedRequest {
  const { method = '', url = '' } = request;
  const [path = '', ...query] = url.split('?');
  const parameters = Object.fromEntries(new URLSearchParams(query.join('?')));
  return { method, path, query: withoutSecrets(parameters), body: recordedBody(body) };
}

export function recordedBody(body: Buffer): unknown {
  const text = body.toString('utf8');
  const value = parseExactJson(text);
  // A text that happens to be JSON, such as "ok" in quotes, stays as it came.
  return value === undefined ? text : withoutSecrets(value);
}

/** `session=***; Path=/; HttpOnly` */
export function withoutCookieValue(cookie: string): string {
  return cookie.replace(/^([^=;]*)=[^;]*/, '$1=***');
}

/** Equal for requests that a recording answers alike. */
export function requestKey(request: RecordedRequest): string {
  return JSON.stringify([request.method, request.path, sorted(request.query), sorted(request.body)]);
}

/** Throws BAD_INPUT when it is not an exchange. */
export function parseExchange(text: string): Exchange {
  const value = parseExactJson(text);
  if (isObject(value) && isObject(value.request) && isObject(value.response)) {
    const { method, path, query, body = '' } = value.request;
    const { status, headers, body: answer = '' } = value.response;
    if (typeof method === 'string' && typeof path === 'string' && isTexts(query))
      if (typeof status === 'number' && status >= 200 && status <= 599 && isHeaders(headers))
        return { request: { method, path, query, body }, response: { status, headers, body: answer } };
  }
  throw new SwobError('BAD_INPUT', 'not an exchange that `swob stub --record` has written');
}

/** Members in one order, whatever the client's. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isObject(value)) return value;
  const names = Object.keys(value).sort();
  return names.map((name) => [name, sorted(value[name])]);
}

function isTexts(value: unknown): value is Record<string, string> {
  return isObject(value) && Object.values(value).every((text) => typeof text === 'string');
}

function isHeaders(value: unknown): value is Record<string, string | string[]> {
  const isText = (text: unknown): boolean => typeof text === 'string';
  return (
    isObject(value) &&
    Object.values(value).every((each) => isText(each) || (Array.isArray(each) && each.every(isText)))
  );
}
