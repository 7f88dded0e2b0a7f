// The response bodies of the disconnect service, and the description of its API for `GET /` and the OpenAPI document. Used by
// server.ts.

import { Type } from 'typebox';
import type { BackendReport } from '../domain/wifi/backends.ts';
import { type Verdict, verdicts } from '../domain/wifi/verification.ts';
import { type ErrorCode, errorCatalogue } from '../errors.ts';
import type { ApiDescription } from '../http/api-docs/document.ts';
import type { RouteDocs } from '../http/api-docs/route-docs.ts';

export interface SuccessBody {
  readonly success: true;
  /** What a backend other than the PCRF could not do; absent when there is nothing. */
  readonly not_done?: readonly string[];
  /** Whether the session was seen to be gone; absent with [disconnect] verify = off. */
  readonly verified?: Verdict;
}

/** With the PCRF alone it is what the old service sent. */
export function successBody({
  reports,
  verified,
}: {
  readonly reports: readonly BackendReport[];
  readonly verified?: Verdict;
}): SuccessBody {
  // The PCRF has removed the MAC address itself.
  const hasPcrf = reports.some(({ backend, kind }) => backend === 'pcrf' && kind === 'disconnected');
  const notDone = hasPcrf ? [] : reports.flatMap((report) => report.notDone ?? []);
  return {
    success: true,
    ...(notDone.length > 0 && { not_done: notDone }),
    ...(verified !== undefined && { verified }),
  };
}

/** The old service had the first two members; portals ignore the others. */
interface FailureBody {
  readonly success: false;
  /** For people; the wording may change. */
  readonly fail: string;
  /** For programs: a code of the catalogue in errors.ts. */
  readonly code: ErrorCode;
  /** `present` when the disconnect was accepted and the session is still there, with [disconnect] verify_required. */
  readonly verified?: Verdict;
}

export function failureBody(code: ErrorCode, fail: string, verified?: Verdict): FailureBody {
  return { success: false, fail, code, ...(verified !== undefined && { verified }) };
}

/** What the service is and where its endpoints are, for `GET /`. */
export const rootLines = [
  'disconnects Wi-Fi users: GET or POST /disconnect with a token',
  'API: /docs, OpenAPI document at /docs/json',
];

const token = Type.String({ description: 'JWT, signed by the sign-in service' });

const responses = {
  200: {
    description: 'The user was disconnected',
    content: {
      'application/json': Type.Object({
        success: Type.Literal(true),
        not_done: Type.Optional(
          Type.Array(Type.String(), { description: 'What RADIUS cannot do of what the PCRF does' }),
        ),
        verified: Type.Optional(
          Type.Enum([...verdicts], {
            description: 'Whether the session was seen to be gone; only with [disconnect] verify',
          }),
        ),
      }),
    },
  },
};
const errors = [
  'BAD_INPUT',
  'NO_TOKEN',
  'UNAUTHENTICATED',
  'FORBIDDEN',
  'LIMITED',
  'UPSTREAM',
  'BUSY',
  'UNAVAILABLE',
  'TIMEOUT',
] as const satisfies readonly ErrorCode[];

/** A request carries one token, in one place. */
const querystring = Type.Object({ token: Type.Optional(token) });

export const getDocs = { responses, errors, querystring } satisfies RouteDocs;
export const postDocs = {
  ...getDocs,
  body: {
    'application/json': Type.Object({ token: Type.Optional(token) }),
    'application/x-www-form-urlencoded': Type.Object({ token: Type.Optional(token) }),
  },
} satisfies RouteDocs;

/** @param statusOf maps a status to the one that is sent */
export function apiDescription(version: string, statusOf: (status: number) => number): ApiDescription {
  return {
    title: 'swob disconnect service',
    description: 'Disconnects Wi-Fi users. Errors are JSON: `fail` is the message, `code` is for programs.',
    version,
    securitySchemes: {
      disconnectToken: {
        type: 'http',
        scheme: 'bearer',
        bearerFormat: 'JWT',
        description: 'The token of the user to disconnect; or in the query, or in the body of a POST',
      },
      adminToken: {
        type: 'http',
        scheme: 'bearer',
        description: 'The admin token, from the file [security] admin_token_filepath',
      },
    },
    errors: {
      statusOf: (code) => statusOf(errorCatalogue[code].http),
      contentOf: (codes) => ({
        'application/json': Type.Object({
          success: Type.Literal(false),
          fail: Type.String({ description: 'Why the request failed' }),
          code: Type.Union(codes.map((code) => Type.Literal(code))),
          ...(codes.includes('UPSTREAM') && {
            verified: Type.Optional(
              Type.Literal('present' satisfies Verdict, {
                description: 'The disconnect was accepted, but the session is still there',
              }),
            ),
          }),
        }),
      }),
    },
  };
}
