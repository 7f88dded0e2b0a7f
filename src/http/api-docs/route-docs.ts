// The documentation of a route beyond the schemas that validate its requests. It is read only when the OpenAPI document is
// requested. Used by routes and by document.ts.

import type { FastifySchema, RouteOptions } from 'fastify';
import { type TSchema, Type } from 'typebox';
import { type ErrorCode, errorCatalogue } from '../../errors.ts';

/** Schemas by content type. */
type Content = Readonly<Record<string, TSchema>>;

interface DocumentedResponse {
  readonly description: string;
  /** Undefined for a response without a body. */
  readonly content?: Content;
}

export interface RouteDocs {
  /** Responses by status that the route's `response` schemas do not describe, such as plain text. */
  readonly responses?: Readonly<Record<number, DocumentedResponse>>;
  /** The errors of this route, besides those of every route. */
  readonly errors?: readonly ErrorCode[];
  /** The content of this route's errors, if it differs from the service's. */
  readonly errorContent?: Content;
  /** The HTTP status of this route's errors, if it differs from the service's. */
  readonly errorStatusOf?: (code: ErrorCode) => number;
  /** The body, when the route parses it itself. */
  readonly body?: Content;
  /** The query, when the route parses it itself. */
  readonly querystring?: TSchema;
  /** The route ignores the content type, so that there is no 415. */
  readonly anyContentType?: boolean;
}

declare module 'fastify' {
  interface FastifyContextConfig {
    docs?: RouteDocs;
  }
}

/** How a service responds to errors. */
export interface ErrorResponses {
  /** The HTTP status of an error. */
  statusOf(code: ErrorCode): number;
  /** The content of a response with any of these errors. */
  contentOf(codes: readonly ErrorCode[]): Content;
}

export const textContent = (description?: string): Content => ({
  'text/plain': Type.String(description === undefined ? {} : { description }),
});

const commonErrors: readonly ErrorCode[] = ['INTERNAL', 'OVERLOADED'];
const bodyErrors: readonly ErrorCode[] = ['BAD_INPUT', 'TOO_LARGE'];
const retryAfter = { 'retry-after': { type: 'integer', description: 'Seconds to wait' } };

/** The schema of a route for @fastify/swagger, with every response. */
export function documentedSchema(route: RouteOptions, errors: ErrorResponses): FastifySchema {
  const { schema = {}, config, method } = route;
  const docs = config?.docs ?? {};
  const codes = new Set<ErrorCode>([...commonErrors, ...(docs.errors ?? [])]);
  if (schema.params || schema.querystring) codes.add('BAD_INPUT');
  if (method !== 'GET') {
    for (const code of bodyErrors) codes.add(code);
    if (!docs.anyContentType) codes.add('UNSUPPORTED_MEDIA');
  }
  return {
    ...schema,
    ...(docs.body && { body: mediaOf(docs.body) }),
    ...(docs.querystring && { querystring: docs.querystring }),
    response: responsesOf(schema, docs, [...codes], errors),
  };
}

/** All responses with one status. */
interface CollectedResponse {
  readonly descriptions: string[];
  readonly content: Map<string, TSchema[]>;
}

function responsesOf(
  schema: FastifySchema,
  docs: RouteDocs,
  codes: readonly ErrorCode[],
  errors: ErrorResponses,
): Record<string, object> {
  const byStatus = new Map<number, CollectedResponse>();
  const add = (status: number, description: string, content: Content = {}): void => {
    const collected: CollectedResponse = byStatus.get(status) ?? { descriptions: [], content: new Map() };
    byStatus.set(status, collected);
    collected.descriptions.push(description);
    for (const [type, body] of Object.entries(content)) {
      collected.content.set(type, [...(collected.content.get(type) ?? []), body]);
    }
  };
  for (const [status, body] of Object.entries(Object(schema.response))) {
    const { description = 'Done' }: { description?: string } = Object(body);
    add(Number(status), description, { 'application/json': Type.Unsafe(Object(body)) });
  }
  for (const [status, response] of Object.entries(docs.responses ?? {})) {
    add(Number(status), response.description, response.content);
  }
  const { errorStatusOf: statusOf = errors.statusOf } = docs;
  for (const status of new Set(codes.map(statusOf))) {
    const ofStatus = codes.filter((code) => statusOf(code) === status);
    const meanings = ofStatus.map((code) => errorCatalogue[code].meaning);
    add(status, meanings.join(' '), docs.errorContent ?? errors.contentOf(ofStatus));
  }
  return Object.fromEntries(
    [...byStatus].map(([status, { descriptions, content }]) => [
      String(status),
      {
        description: descriptions.map(toSentence).join(' '),
        ...(content.size > 0 ? mediaOf(Object.fromEntries([...content].map(toUnion))) : { type: 'null' }),
        ...((status === 429 || status === 503) && { headers: retryAfter }),
      },
    ]),
  );
}

const toSentence = (text: string): string => (text.endsWith('.') ? text : `${text}.`);

const toUnion = ([type, schemas]: [string, TSchema[]]): [string, TSchema] => [
  type,
  schemas.length === 1 && schemas[0] ? schemas[0] : Type.Union(schemas),
];

function mediaOf(content: Content): { content: Record<string, { schema: TSchema }> } {
  return { content: Object.fromEntries(Object.entries(content).map(([type, schema]) => [type, { schema }])) };
}
