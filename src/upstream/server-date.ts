// The clock of an HTTP server, by its Date header. Used by `swob doctor`.

import fetch from 'node-fetch';
import { userAgent } from './user-agent.ts';

/**
 * Sends `HEAD /`, which has no side effects. @returns Unix time in milliseconds, precise to the second; undefined without a
 * response or its Date header
 */
export async function fetchServerDate(origin: string, signal: AbortSignal): Promise<number | undefined> {
  try {
    const headers = { 'user-agent': userAgent };
    const response = await fetch(origin, { method: 'HEAD', headers, redirect: 'manual', signal });
    const date = Date.parse(response.headers.get('date') ?? '');
    return Number.isNaN(date) ? undefined : date;
  } catch {
    return undefined;
  }
}
