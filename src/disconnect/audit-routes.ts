// Admin routes of the audit trail: `swob disconnects list` and `show` use them. They require the admin token. Used by server.ts.

import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { FastifyContextConfig, FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import {
  type DisconnectAuditStore,
  type DisconnectRecord,
  disconnectOutcomes,
  recordIdPattern,
} from '../domain/wifi/audit-model.ts';
import { backendNames } from '../domain/wifi/ports.ts';
import { verdicts } from '../domain/wifi/verification.ts';
import { type ErrorCode, errorCatalogue, SwobError } from '../errors.ts';
import { requireAdminToken } from '../http/admin-auth.ts';

interface Options {
  readonly audit: DisconnectAuditStore;
  readonly adminToken: string;
  /** Responds with the status of the error, whatever `legacy_status`. */
  readonly handleError: (error: unknown, request: FastifyRequest, reply: FastifyReply) => FastifyReply;
}

const maxListed = 1_000;
const defaultListed = 100;
const tags = ['admin'];
const security = [{ adminToken: [] }];
const config = {
  docs: {
    errors: ['BAD_INPUT', 'UNAUTHENTICATED', 'UNAVAILABLE'],
    errorStatusOf: (code: ErrorCode) => errorCatalogue[code].http,
  },
} satisfies FastifyContextConfig;

const id = Type.String({ pattern: recordIdPattern });
const text = (maxLength: number, description: string) =>
  Type.Optional(Type.String({ minLength: 1, maxLength, description }));
const outcome = Type.Enum([...disconnectOutcomes]);

const report = Type.Object({
  backend: Type.Enum([...backendNames]),
  kind: Type.String({ description: '`disconnected`, or why not' }),
  reason: Type.Optional(Type.String()),
  attempts: Type.Number({ description: 'Requests sent, retransmissions included' }),
  durationMs: Type.Number(),
  nas: Type.Optional(Type.String({ description: 'The section of the NAS' })),
  host: Type.Optional(
    Type.String({ description: 'Of several PCRFs the one that answered, or was called last' }),
  ),
  failedHosts: Type.Optional(
    Type.Array(Type.String(), { description: 'Why those before it did not answer' }),
  ),
  errorCause: Type.Optional(Type.Number({ description: 'Error-Cause of a RADIUS NAK' })),
  notDone: Type.Optional(Type.Array(Type.String())),
  alreadyGone: Type.Optional(Type.Literal(true)),
});

const record = Type.Object({
  id: Type.String(),
  at: Type.Number({ description: 'Arrival of the request, Unix time in milliseconds' }),
  requestId: Type.String(),
  address: Type.String({ description: 'Of the client' }),
  outcome,
  durationMs: Type.Number(),
  reason: Type.Optional(Type.String()),
  user: Type.Optional(Type.String({ description: 'sub of the token' })),
  sessionId: Type.Optional(Type.String()),
  nasIp: Type.Optional(Type.String()),
  vrf: Type.Optional(Type.String()),
  mac: Type.Optional(Type.String()),
  reports: Type.Array(report, { description: 'What each backend did' }),
  verified: Type.Optional(Type.Enum([...verdicts])),
});

export const auditRoutes: FastifyPluginAsyncTypebox<Options> = async (
  app,
  { audit, adminToken, handleError },
) => {
  app.setErrorHandler(handleError);
  app.addHook('onRequest', requireAdminToken(adminToken));

  app.get(
    '/disconnects',
    {
      config,
      schema: {
        operationId: 'listDisconnects',
        summary: 'List audited requests, newest first',
        tags,
        security,
        querystring: Type.Object({
          since: Type.Optional(
            Type.String({ pattern: '^[0-9]{1,16}$', description: 'Unix time in milliseconds' }),
          ),
          mac: Type.Optional(
            Type.String({ pattern: '^([0-9A-F]{2}-){5}[0-9A-F]{2}$', description: 'FC-45-96-5F-50-AC' }),
          ),
          session: text(64, 'sessionId of the token'),
          user: text(255, 'sub of the token'),
          outcome: Type.Optional(outcome),
          limit: Type.Optional(
            Type.String({
              pattern: '^[0-9]{1,4}$',
              description: `Default: ${defaultListed}; at most ${maxListed}`,
            }),
          ),
          before: Type.Optional(id),
        }),
        response: {
          200: Type.Object({
            records: Type.Array(record),
            next: Type.Optional(
              Type.String({ description: '`before` of the next page; a page may be empty and have one' }),
            ),
          }),
        },
      },
    },
    async ({ query }) => {
      const { since, session, limit = String(defaultListed), before, ...filters } = query;
      const page = await audit.list(
        {
          ...filters,
          ...(since !== undefined && { since: Number(since) }),
          ...(session !== undefined && { sessionId: session }),
        },
        {
          limit: Math.min(maxListed, Math.max(1, Number(limit))),
          ...(before !== undefined && { before }),
        },
      );
      return { ...page, records: page.records.map(shown) };
    },
  );

  app.get(
    '/disconnects/:id',
    {
      config: { docs: { ...config.docs, errors: [...config.docs.errors, 'NOT_FOUND'] } },
      schema: {
        operationId: 'showDisconnect',
        summary: 'Show an audited request',
        tags,
        security,
        params: Type.Object({ id }),
        response: { 200: record },
      },
    },
    async ({ params }) => {
      const found = await audit.get(params.id);
      if (found) return shown(found);
      throw new SwobError('NOT_FOUND', `no audited request ${params.id}`);
    },
  );
};

/** With lists of its own, as the schema has it. */
function shown({ reports, ...rest }: DisconnectRecord) {
  return {
    ...rest,
    reports: reports.map(({ notDone, failedHosts, ...each }) => ({
      ...each,
      ...(failedHosts && { failedHosts: [...failedHosts] }),
      ...(notDone && { notDone: [...notDone] }),
    })),
  };
}
