// Sends one request of a load process. Used by mixed.ts and tail.ts.

import type { Pool } from 'undici';
import type { HttpRequest } from '../http-load.ts';

/** Resolves once the whole response has arrived. Throws an Error for any status but 200. */
export async function send(pool: Pool, { method, path, body }: HttpRequest): Promise<void> {
  const response = await pool.request({
    method,
    path,
    ...(body !== undefined && { body, headers: { 'content-type': 'application/json' } }),
  });
  await response.body.dump();
  if (response.statusCode !== 200) throw new Error(`${method} ${path}: ${response.statusCode}`);
}
