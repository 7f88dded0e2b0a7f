// Answers requests from a recording, and refuses those that it does not have. Used by `swob stub … --replay`.

import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describeReadError, SwobError } from '../../errors.ts';
import type { Intercept } from '../../stubs/intercept.ts';
import { stringifyExactJson } from './exact-json.ts';
import { type Exchange, parseExchange, recordedRequest, requestKey } from './exchange.ts';

const maxExchanges = 10_000;
/** Requests that are named. */
const maxNamed = 20;

export interface Replay {
  readonly intercept: Intercept;
  /** `POST /publish {"message":…}` of each request that was not recorded. */
  unknownRequests(): readonly string[];
}

/** Equal requests get their responses in the order of the recording, and the last one again. Throws USAGE. */
export async function createReplay(folder: string): Promise<Replay> {
  const responses = new Map<string, Exchange['response'][]>();
  for (const { request, response } of await readExchanges(folder)) {
    const key = requestKey(request);
    responses.set(key, [...(responses.get(key) ?? []), response]);
  }
  const unknown: string[] = [];

  return {
    unknownRequests: () => unknown,
    intercept: async ({ request, body, response }) => {
      const received = recordedRequest({ request, body });
      const answers = responses.get(requestKey(received)) ?? [];
      const answer = answers.length > 1 ? answers.shift() : answers[0];
      if (!answer) {
        const text = `${received.method} ${received.path} ${stringifyExactJson({ ...received.query, body: received.body })}`;
        if (unknown.length < maxNamed) unknown.push(text);
        throw new SwobError('NOT_FOUND', `not in the recording: ${text}`);
      }
      const { status, headers, body: content } = answer;
      const texts = Object.entries(headers).map(([name, value]) => [
        name,
        typeof value === 'string' ? value : [...value],
      ]);
      response.writeHead(status, Object.fromEntries(texts));
      response.end(typeof content === 'string' ? content : stringifyExactJson(content));
    },
  };
}

async function readExchanges(folder: string): Promise<Exchange[]> {
  const exchanges: Exchange[] = [];
  try {
    const names = (await readdir(folder)).filter((name) => name.endsWith('.json')).sort();
    for (const name of names.slice(0, maxExchanges))
      exchanges.push(parseExchange(await readFile(join(folder, name), 'utf8')));
  } catch (error) {
    const why = error instanceof SwobError ? error.message : describeReadError(error);
    throw new SwobError('USAGE', `cannot replay ${folder}: ${why}`, { cause: error });
  }
  if (exchanges.length === 0) throw new SwobError('USAGE', `cannot replay ${folder}: it has no recording`);
  return exchanges;
}
