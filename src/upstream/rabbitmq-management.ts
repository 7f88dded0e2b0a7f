// Calls of RabbitMQ's management API: bounded, never redirected, and their failures in words without secrets.
// Used by rabbitmq-tenants.ts.

import { Readable } from 'node:stream';
import fetch from 'node-fetch';
import { SwobError } from '../errors.ts';
import { fetchReason } from './fetch-reason.ts';

const maxBodyBytes = 1024 * 1024;

export interface ManagementOptions {
  readonly managementUrl: string;
  readonly user: string;
  readonly password: string;
  /** Milliseconds for one call, body included. */
  readonly timeoutMs: number;
}

type Json = Readonly<Record<string, unknown>>;

/** Paths are below `/api/`, encoded. Every method throws UPSTREAM when the API fails or answers nonsense. */
export interface Management {
  /** Undefined when there is no such thing. */
  get(path: string): Promise<Json | undefined>;
  /** Empty when there is no such thing. */
  list(path: string): Promise<Json[]>;
  put(path: string, body: Json): Promise<void>;
  /** Nothing happens when there is no such thing. */
  remove(path: string): Promise<void>;
  /** The names of what a page of a list holds. */
  namesIn(page: Json | undefined): string[];
  /** UPSTREAM: that it failed, and why. */
  failure(why: string): SwobError;
}

export function createManagement({
  managementUrl,
  user,
  password,
  timeoutMs,
}: ManagementOptions): Management {
  const { origin, pathname } = new URL(managementUrl);
  const base = `${origin}${pathname.replace(/\/+$/, '')}`;
  const authorization = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;

  const failure = (why: string): SwobError =>
    new SwobError('UPSTREAM', `RabbitMQ's management API at ${base} failed: ${why}`, {
      forClients: `the message broker's management failed: ${why}`,
    });

  /** The body of a 2xx; undefined for 404. */
  const call = async (
    method: 'GET' | 'PUT' | 'DELETE',
    path: string,
    body?: Json,
  ): Promise<string | undefined> => {
    const signal = AbortSignal.timeout(timeoutMs);
    try {
      const response = await fetch(`${base}/api/${path}`, {
        method,
        headers: {
          accept: 'application/json',
          authorization,
          ...(body && { 'content-type': 'application/json' }),
        },
        ...(body && { body: JSON.stringify(body) }),
        // A redirect would carry the credentials to wherever the answer says.
        redirect: 'manual',
        size: maxBodyBytes,
        signal,
      });
      if (response.ok) return await response.text();
      // Unread, its socket would stay open.
      if (response.body instanceof Readable) response.body.destroy();
      if (response.status === 404) return undefined;
      throw failure(`it answered ${response.status}`);
    } catch (error) {
      if (error instanceof SwobError) throw error;
      // The error itself is dropped: it may quote the request.
      throw failure(signal.aborted ? `no answer within ${timeoutMs} ms` : fetchReason(error, maxBodyBytes));
    }
  };

  return {
    get: async (path) => {
      const text = await call('GET', path);
      if (text === undefined) return undefined;
      const json = parse(text);
      if (!isObject(json)) throw failure('its answer is no JSON object');
      return json;
    },
    list: async (path) => {
      const text = await call('GET', path);
      const json = text === undefined ? [] : parse(text);
      if (Array.isArray(json) && json.every(isObject)) return json;
      throw failure('its answer is no list of JSON objects');
    },
    put: async (path, body) => {
      if ((await call('PUT', path, body)) === undefined) throw failure('it answered 404');
    },
    remove: async (path) => void (await call('DELETE', path)),
    namesIn: (page) => {
      const items = page?.items;
      if (!Array.isArray(items)) throw failure('its answer has no list items');
      return items.flatMap((item: unknown) =>
        isObject(item) && typeof item.name === 'string' ? [item.name] : [],
      );
    },
    failure,
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
