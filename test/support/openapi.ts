// Checks responses of a service against its OpenAPI document: `record` is a fetch that rejects for an undocumented
// response and records the operation.

import { Compile } from 'typebox/schema';
import { get } from './phone.ts';

interface Media {
  readonly schema: Readonly<Record<string, unknown>>;
}

interface Operation {
  readonly operationId: string;
  readonly summary?: string;
  readonly tags?: readonly string[];
  readonly security?: readonly Readonly<Record<string, unknown>>[];
  readonly requestBody?: { readonly content: Readonly<Record<string, Media>> };
  readonly responses: Readonly<
    Record<string, { readonly description: string; readonly content?: Readonly<Record<string, Media>> }>
  >;
}

export interface OpenApi {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly securitySchemes: Readonly<Record<string, unknown>> };
}

export async function fetchDocument(url: string): Promise<OpenApi> {
  const { status, text } = await get(`${url}/docs/json`);
  if (status !== 200) throw new Error(`/docs/json answered ${status}`);
  return JSON.parse(text);
}

export interface DocumentedOperation extends Operation {
  readonly method: string;
  readonly path: string;
}

export function operationsOf({ paths }: OpenApi): DocumentedOperation[] {
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      ...operation,
      method: method.toUpperCase(),
      path,
    })),
  );
}

export interface Recorder {
  readonly fetch: typeof fetch;
  /** Operation ids with the statuses of their responses. */
  readonly answered: ReadonlyMap<string, ReadonlySet<number>>;
}

export function createRecorder(document: OpenApi): Recorder {
  const operations = operationsOf(document).map((operation) => ({
    ...operation,
    pattern: new RegExp(`^${operation.path.replace(/\{\w+\}/g, '[^/]+')}$`),
    literal: !operation.path.includes('{'),
  }));
  const answered = new Map<string, Set<number>>();
  return {
    answered,
    fetch: async (input, init) => {
      const request = new Request(input, init);
      const { pathname } = new URL(request.url);
      const fitting = operations.filter(
        ({ method, pattern }) => method === request.method && pattern.test(pathname),
      );
      const operation = fitting.find(({ literal }) => literal) ?? fitting[0];
      if (!operation) throw new Error(`no operation: ${request.method} ${pathname}`);
      const response = await fetch(request);
      const { operationId } = operation;
      answered.set(operationId, (answered.get(operationId) ?? new Set()).add(response.status));
      const text = await response.clone().text();
      check(operation, response, text);
      return response;
    },
  };
}

function check({ operationId, responses }: Operation, response: Response, text: string): void {
  const what = `${operationId} answered ${response.status}`;
  const documented = responses[response.status];
  if (!documented) throw new Error(`${what}, which is not documented: ${text}`);
  const [type = ''] = (response.headers.get('content-type') ?? '').split(';', 1);
  const media = documented.content?.[type];
  if (!documented.content) {
    if (text !== '') throw new Error(`${what} with a body, which is not documented: ${text}`);
    return;
  }
  if (!media) throw new Error(`${what} as ${type}, which is not documented: ${text}`);
  const value: unknown = type === 'application/json' ? JSON.parse(text) : text;
  if (!Compile(media.schema).Check(value)) throw new Error(`${what} with a body of another schema: ${text}`);
}
