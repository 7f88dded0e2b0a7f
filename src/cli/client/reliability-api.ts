// The gateway's routes of gateway clients and their reliability tests, as the commands call them. Used by `swob seeds
// test` and `seeds reliability`.

import { SwobError } from '../../errors.ts';
import { isObject } from '../../lib/json.ts';
import type { HttpClient } from './http-client.ts';

export interface StartedTest {
  readonly id: number;
  /** Unix time in seconds. */
  readonly startTime: number;
}

/** Throws NOT_FOUND for a number that is no gateway client, and as `HttpClient` does. */
export async function startTest(
  http: HttpClient,
  msisdn: string,
  sender: string | undefined,
): Promise<StartedTest> {
  const body = await http.json({ method: 'POST', path: pathOf(msisdn), body: { sender } });
  if (isObject(body) && typeof body.error === 'string') {
    throw new SwobError(
      'NOT_FOUND',
      `${msisdn} is no gateway client (${body.error}): it must ping, or deliver an SMS with its number as tag`,
    );
  }
  if (isObject(body) && typeof body.test_id === 'number' && typeof body.test_start_time === 'number') {
    return { id: body.test_id, startTime: body.test_start_time };
  }
  throw new SwobError('UPSTREAM', `${http.baseUrl} did not start a test; is it a gateway of this version?`);
}

/** The test as the gateway lists it; `status` is a text. Throws NOT_FOUND when it is no longer listed. */
export async function findTest(
  http: HttpClient,
  msisdn: string,
  id: number,
): Promise<Record<string, unknown> & { readonly status: string }> {
  const body = await http.json({ path: `${pathOf(msisdn)}?per_page=100` });
  const tests: unknown[] = isObject(body) && Array.isArray(body.data) ? body.data : [];
  for (const test of tests) {
    if (isObject(test) && test.id === id && typeof test.status === 'string') {
      return { ...test, status: test.status };
    }
  }
  throw new SwobError('NOT_FOUND', `the gateway does not list test ${id} of ${msisdn}`);
}

/** Pages of 100 clients; more clients than any gateway has. */
const maxPages = 2_000;

/** All gateway clients, as the gateway lists them. */
export async function listClients(http: HttpClient): Promise<Record<string, unknown>[]> {
  const clients: Record<string, unknown>[] = [];
  for (let page = 1; page <= maxPages; page++) {
    const found = await http.json({ path: `/v3/clients?per_page=100&page=${page}` });
    if (!Array.isArray(found) || !found.every(isObject)) {
      throw new SwobError(
        'UPSTREAM',
        `${http.baseUrl} did not respond with a list of clients; is it a gateway?`,
      );
    }
    clients.push(...found);
    if (found.length < 100) break;
  }
  return clients;
}

function pathOf(msisdn: string): string {
  return `/v3/clients/${encodeURIComponent(msisdn)}/tests`;
}
