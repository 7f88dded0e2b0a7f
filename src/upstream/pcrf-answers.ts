// What responses and failures of the PCRF mean, whose API is not documented. Used by pcrf-server.ts.

import type { BackendFailure } from '../domain/wifi/ports.ts';
import type { Verdict } from '../domain/wifi/verification.ts';
import { isObject, tryParseJson } from '../lib/json.ts';
import type { PoolUnavailable } from './connection-pool.ts';
import type { HttpFailure, HttpResponse } from './http-request.ts';

export const maxBodyBytes = 64 * 1024;
/** Characters of the PCRF's own message that are passed on. */
const maxMessageLength = 200;

const utf8 = new TextDecoder();

export interface PcrfFailure {
  readonly kind: BackendFailure;
  reason: string;
}

export function failureOf(
  name: string,
  failure: HttpFailure | PoolUnavailable,
  timeoutMs: number,
): PcrfFailure {
  switch (failure.kind) {
    case 'busy':
      return { kind: 'busy', reason: failure.message };
    case 'closed':
      return { kind: 'stopping', reason: failure.message };
    case 'timeout':
      return { kind: 'timeout', reason: `${name} did not answer within ${timeoutMs} ms` };
    case 'too large':
      return { kind: 'invalid response', reason: `${name} sent a response over ${maxBodyBytes} bytes` };
    case 'unreachable':
      return { kind: 'unreachable', reason: `${name} is unreachable (${failure.code})` };
    case 'broken':
      return {
        kind: 'invalid response',
        reason: `${name} closed the connection during its response (${failure.code})`,
      };
  }
}

/** Why a response is a failure; undefined when it is a success. */
export function rejectionReason({ status, headers, body }: HttpResponse): string | undefined {
  const encoding = headers['content-encoding'] ?? 'identity';
  if (encoding !== 'identity') return `answered ${status} with a compressed body, which was not requested`;
  const text = utf8.decode(body);
  const parsed = tryParseJson(text);
  const message = errorMessageIn(parsed);
  if (status >= 300 && status < 400) return `answered ${status}, a redirect, which is not followed`;
  if (status < 200 || status >= 300) return message ? `answered ${status}: ${message}` : `answered ${status}`;
  if (text.trim() === '') return undefined;
  if (parsed === undefined) return `answered ${status} with a body that is not JSON`;
  if (parsed === false) return 'refused: false';
  return message === undefined ? undefined : `refused: ${message}`;
}

/**
 * What a response to a query for a session says about it: 404 or an empty list is `gone`, 200 with something in it `present`.
 * Anything else, such as a body that is not JSON, or one that reports an error, is `unknown`.
 */
export function presenceIn({ status, headers, body }: HttpResponse): Verdict {
  if (status === 404) return 'gone';
  if (status !== 200 || (headers['content-encoding'] ?? 'identity') !== 'identity') return 'unknown';
  const parsed = tryParseJson(utf8.decode(body));
  if (parsed === null) return 'gone';
  if (Array.isArray(parsed)) return parsed.length === 0 ? 'gone' : 'present';
  if (!isObject(parsed) || errorMessageIn(parsed) !== undefined) return 'unknown';
  const members = Object.values(parsed);
  const [list, ...others] = members.filter(Array.isArray);
  if (list && others.length === 0) return list.length === 0 ? 'gone' : 'present';
  return members.length === 0 ? 'unknown' : 'present';
}

/** The error message in a JSON body; undefined when the body reports no error. */
function errorMessageIn(parsed: unknown): string | undefined {
  if (typeof parsed !== 'object' || parsed === null) return undefined;
  const { success, ...members }: { success?: unknown; fail?: unknown; error?: unknown } = parsed;
  const error = [members.fail, members.error].find(isError);
  if (error !== undefined) return printable(error);
  return success === false || success === 'false' ? 'it gives no reason' : undefined;
}

/** Successful responses may hold `"error": null`, `"error": 0` and the like. */
function isError(value: unknown): boolean {
  return Array.isArray(value) ? value.length > 0 : Boolean(value);
}

function printable(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  const oneLine = text.replace(/[\p{C}\p{Z}]+/gu, ' ').trim();
  return [...oneLine].slice(0, maxMessageLength).join('') || 'it gives no reason';
}
