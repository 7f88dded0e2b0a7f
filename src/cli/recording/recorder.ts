// Passes requests on to a real system, and keeps each exchange in a file. Used by `swob stub … --record`.

import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import fetch, { type Response } from 'node-fetch';
import { messageOf, SwobError } from '../../errors.ts';
import { makeFolder } from '../../lib/folders.ts';
import type { Intercept } from '../../stubs/intercept.ts';
import { writeFileAtomic } from '../ready-file.ts';
import { stringifyExactJson } from './exact-json.ts';
import { type Exchange, recordedBody, recordedRequest, withoutCookieValue } from './exchange.ts';

const timeoutMs = 120_000;
const maxBytes = 1024 * 1024;
/** Exchanges of a recording. */
const maxExchanges = 10_000;
/** Headers of one connection, and those by which a recording would be compressed, are not passed on. */
const connectionHeaders = new Set([
  'accept-encoding',
  'connection',
  'content-length',
  'host',
  'keep-alive',
  'transfer-encoding',
]);
/** Headers of a response that callers of these systems read. */
const keptHeaders = ['content-type', 'location'] as const;

/**
 * Creates the folder, which must be empty. Throws USAGE when it is not.
 * @param upstream URL of the real system, to which the paths of requests are added
 */
export async function createRecorder(folder: string, upstream: string): Promise<Intercept> {
  await makeFolder(folder).catch((error: unknown) => {
    throw new SwobError('USAGE', `cannot record into ${folder}: ${messageOf(error)}`, { cause: error });
  });
  if ((await readdir(folder)).length > 0)
    throw new SwobError('USAGE', `cannot record into ${folder}: it is not empty; choose another folder`);
  let count = 0;

  return async ({ request, body, response }) => {
    if (count >= maxExchanges)
      throw new SwobError('UNAVAILABLE', `${folder} has ${maxExchanges} exchanges, and takes no more`);
    count += 1;
    const file = join(folder, `${String(count).padStart(6, '0')}.json`);
    const { method = 'GET', url = '', headers } = request;
    const passed = Object.entries(headers).filter(([name]) => !connectionHeaders.has(name));
    const failure = (error: unknown): never => {
      throw new SwobError('UPSTREAM', `no usable response from ${upstream}: ${messageOf(error)}`, {
        cause: error,
      });
    };
    const real = await fetch(`${upstream}${url}`, {
      method,
      headers: passed.flatMap(([name, value]) => [value ?? []].flat().map((text) => [name, text] as const)),
      ...(body.length > 0 && { body }),
      // As swob's clients see it: they follow no redirect, and decompress nothing here.
      redirect: 'manual',
      compress: false,
      size: maxBytes,
      signal: AbortSignal.timeout(timeoutMs),
    }).catch(failure);
    const content = Buffer.from(await real.arrayBuffer().catch(failure));
    const cookies = real.headers.raw()['set-cookie'] ?? [];
    const exchange: Exchange = {
      request: recordedRequest({ request, body }),
      response: {
        status: real.status,
        headers: {
          ...headersOf(real),
          ...(cookies.length > 0 && { 'set-cookie': cookies.map(withoutCookieValue) }),
        },
        body: recordedBody(content),
      },
    };
    await writeFileAtomic(file, `${stringifyExactJson(exchange, 2)}\n`, 0o600);
    response.writeHead(real.status, {
      ...headersOf(real),
      ...(cookies.length > 0 && { 'set-cookie': cookies }),
    });
    response.end(content);
  };
}

function headersOf({ headers }: Response): Record<string, string> {
  return Object.fromEntries(
    [...keptHeaders, 'content-encoding'].flatMap((name) => {
      const value = headers.get(name);
      return value === null ? [] : [[name, value]];
    }),
  );
}
