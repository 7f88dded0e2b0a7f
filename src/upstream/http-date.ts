// What time it is at an HTTP server: its Date header. Used by `swob doctor`.

import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';

/**
 * Asks with a HEAD of `/`, which does nothing anywhere. @returns Unix time in milliseconds, to the second; undefined when
 * it does not say
 */
export function dateAt(origin: string, signal: AbortSignal): Promise<number | undefined> {
  const request = origin.startsWith('https:') ? httpsRequest : httpRequest;
  return new Promise((resolve) => {
    const asked = request(origin, { method: 'HEAD', path: '/', signal, agent: false });
    asked.on('response', ({ headers }) => {
      asked.destroy();
      const date = Date.parse(headers.date ?? '');
      resolve(Number.isNaN(date) ? undefined : date);
    });
    asked.on('error', () => resolve(undefined));
    asked.end();
  });
}
