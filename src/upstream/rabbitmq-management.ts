// Calls of RabbitMQ's management API, with error messages that hold no secret. Used by rabbitmq-tenants.ts.

import type { Clock } from '../domain/shared/ports.ts';
import { SwobError } from '../errors.ts';
import { isObject, tryParseJson } from '../lib/json.ts';
import { createHttpClient, describeFailure } from './http-client.ts';
import { userAgent } from './user-agent.ts';

const maxBodyBytes = 1024 * 1024;
const maxConnections = 64;

export interface ManagementOptions {
  readonly managementUrl: string;
  readonly user: string;
  readonly password: string;
  /** Milliseconds for one call, body included. */
  readonly timeoutMs: number;
  readonly clock: Pick<Clock, 'after' | 'every'>;
}

type Json = Readonly<Record<string, unknown>>;

/** Paths are below `/api/`, encoded. Every method throws UPSTREAM when a call fails or its response is invalid. */
export interface Management {
  /** Undefined for 404. */
  get(path: string): Promise<Json | undefined>;
  /** Empty for 404. */
  list(path: string): Promise<Json[]>;
  put(path: string, body: Json): Promise<void>;
  /** Does nothing for 404. */
  delete(path: string): Promise<void>;
  /** The names of the items on a page of a paginated list. */
  itemNames(page: Json | undefined): string[];
  /** An UPSTREAM error with this reason. */
  upstreamError(why: string): SwobError;
}

export function createManagement({
  managementUrl,
  user,
  password,
  timeoutMs,
  clock,
}: ManagementOptions): Management {
  const client = createHttpClient({ maxConnections, clock });
  const { origin, pathname } = new URL(managementUrl);
  const base = `${origin}${pathname.replace(/\/+$/, '')}`;
  const authorization = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;

  const upstreamError = (why: string): SwobError =>
    new SwobError('UPSTREAM', `RabbitMQ's management API at ${base} failed: ${why}`, {
      publicMessage: `the message broker's management failed: ${why}`,
    });

  /** The body of a 2xx; undefined for 404. */
  const call = async (
    method: 'GET' | 'PUT' | 'DELETE',
    path: string,
    body?: Json,
  ): Promise<string | undefined> => {
    const limits = { timeoutMs, maxBodyBytes };
    const response = await client.request({
      method,
      url: `${base}/api/${path}`,
      headers: {
        accept: 'application/json',
        authorization,
        'user-agent': userAgent,
        ...(body && { 'content-type': 'application/json' }),
      },
      body: body && JSON.stringify(body),
      readsBody: isSuccess,
      ...limits,
    });
    if (response.kind !== 'response') throw upstreamError(describeFailure(response, limits));
    if (isSuccess(response.status)) return response.body.toString('utf8');
    if (response.status === 404) return undefined;
    throw upstreamError(`it answered ${response.status}`);
  };

  return {
    get: async (path) => {
      const text = await call('GET', path);
      if (text === undefined) return undefined;
      const json = tryParseJson(text);
      if (!isObject(json)) throw upstreamError('its response is not a JSON object');
      return json;
    },
    list: async (path) => {
      const text = await call('GET', path);
      const json = text === undefined ? [] : tryParseJson(text);
      if (Array.isArray(json) && json.every(isObject)) return json;
      throw upstreamError('its response is not a list of JSON objects');
    },
    put: async (path, body) => {
      if ((await call('PUT', path, body)) === undefined) throw upstreamError('it answered 404');
    },
    delete: async (path) => void (await call('DELETE', path)),
    itemNames: (page) => {
      const items = page?.items;
      if (!Array.isArray(items)) throw upstreamError('its response has no list items');
      return items.flatMap((item: unknown) =>
        isObject(item) && typeof item.name === 'string' ? [item.name] : [],
      );
    },
    upstreamError,
  };
}

const isSuccess = (status: number): boolean => status >= 200 && status < 300;
