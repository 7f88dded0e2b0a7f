// Admin routes for messages to the Publisher: `swob sms failed`, `refused`, `retry`, `drop` and `trace` use them. They require the admin
// token.

import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { FastifyContextConfig } from 'fastify';
import { Type } from 'typebox';
import type { MessageAdmin, MessageView } from '../../domain/inbound/message-admin.ts';
import { type OutgoingHealth, routeFaults } from '../../domain/outgoing/routes-health.ts';
import { requireAdminToken } from '../../http/admin-auth.ts';

interface Options {
  readonly messageAdmin: MessageAdmin;
  readonly outgoingHealth: (() => Promise<OutgoingHealth>) | undefined;
  readonly adminToken: string;
  /** Wall time, Unix time in milliseconds. */
  readonly now: () => number;
}

const tags = ['admin'];
const security = [{ adminToken: [] }];
const config = { docs: { errors: ['UNAUTHENTICATED', 'UNAVAILABLE'] } } satisfies FastifyContextConfig;
const singleMessageConfig = {
  docs: { errors: [...config.docs.errors, 'NOT_FOUND'] },
} satisfies FastifyContextConfig;
const maxListed = 1_000;
const time = (description: string) => Type.String({ pattern: '^[0-9]{1,16}$', description });
const params = Type.Object({ id: Type.String({ pattern: '^[0-9a-f]{32}$' }) });
const message = Type.Object({
  id: Type.String(),
  state: Type.Union([
    Type.Literal('published'),
    Type.Literal('waiting'),
    Type.Literal('sending', { description: 'sent to the Publisher, which has not responded yet' }),
    Type.Literal('dead-lettered'),
    Type.Literal('outcome unknown', { description: 'dead-lettered, but it may have been published' }),
    Type.Literal('refused'),
  ]),
  platform: Type.Optional(Type.String()),
  msisdn: Type.Optional(Type.String()),
  relayed: Type.Optional(
    Type.Literal(true, { description: 'It goes to the RelaySMS Publisher unchanged; absent once published' }),
  ),
  behind: Type.Optional(
    Type.Literal(true, { description: 'In a list: it waits for an earlier message of its sender' }),
  ),
  attempts: Type.Optional(Type.Number()),
  dueAt: Type.Optional(
    Type.Number({ description: 'When the next attempt is due, Unix time in milliseconds' }),
  ),
  reason: Type.Optional(Type.String({ description: 'Why it was refused, as in swob_sms_refusals_total' })),
  times: Type.Optional(Type.Integer({ description: 'How often it was refused' })),
  remedy: Type.Optional(Type.String({ description: 'What an operator can do about it' })),
  history: Type.Array(
    Type.Object({ at: Type.Number({ description: 'Unix time in milliseconds' }), event: Type.String() }),
  ),
});

const backlog = Type.Object({
  waiting: Type.Integer(),
  deadLetters: Type.Integer(),
  oldest: Type.Optional(
    Type.Number({ description: 'When the oldest waiting message arrived, Unix time in milliseconds' }),
  ),
  upstreams: Type.Array(
    Type.Object({
      name: Type.Union([Type.Literal('publisher'), Type.Literal('backend'), Type.Literal('relay')]),
      failures: Type.Integer({ description: 'Consecutive calls that failed' }),
      since: Type.Optional(Type.Number({ description: 'Unix time in milliseconds' })),
      reason: Type.Optional(Type.String()),
    }),
  ),
  outgoing: Type.Optional(
    Type.Object(
      {
        waiting: Type.Integer({ description: 'SMS that wait in swob' }),
        callbacks: Type.Integer({ description: 'Callbacks to developers that wait' }),
        oldestWait: Type.Integer({
          description:
            'Seconds that the first SMS of a queue has waited at most, of those that this process paces',
        }),
        passedOver: Type.Array(Type.Object({ route: Type.String(), why: Type.Enum([...routeFaults]) }), {
          description: 'Routes whose phones failed to send SMS, or do not report while others do (silent)',
        }),
      },
      { description: 'Outgoing SMS; absent when no broker is configured' },
    ),
  ),
});

export const messageAdminRoutes: FastifyPluginAsyncTypebox<Options> = async (
  app,
  { messageAdmin, outgoingHealth, adminToken, now },
) => {
  app.addHook('onRequest', requireAdminToken(adminToken));

  const lists = [
    {
      path: '/sms/failed',
      operationId: 'listFailedSms',
      summary: 'List dead-lettered messages, oldest first',
      read: messageAdmin.deadLetters,
    },
    {
      path: '/sms/waiting',
      operationId: 'listWaitingSms',
      summary: 'List messages that wait for another attempt, in order of due time',
      read: messageAdmin.waiting,
    },
  ];
  for (const { path, operationId, summary, read } of lists) {
    app.get(
      path,
      { config, schema: { operationId, summary, tags, security, response: { 200: Type.Array(message) } } },
      async () => (await read(maxListed)).map(shown),
    );
  }

  app.get(
    '/sms/refused',
    {
      config,
      schema: {
        operationId: 'listRefusedSms',
        summary: 'List SMS that this gateway refused recently, with reason and remedy, newest first',
        tags,
        security,
        querystring: Type.Object({
          limit: Type.Optional(Type.String({ pattern: '^[0-9]{1,4}$', description: 'At most 1000' })),
          since: Type.Optional(time('Only those refused since, Unix time in milliseconds')),
          within: Type.Optional(time('Only those refused in the last milliseconds')),
        }),
        response: { 200: Type.Array(message) },
      },
    },
    async ({ query: { limit = maxListed, since, within } }) => {
      const earliest = within === undefined ? Number(since ?? 0) : now() - Number(within);
      return (await messageAdmin.refused(Math.min(maxListed, Number(limit)), earliest)).map(shown);
    },
  );

  app.get(
    '/sms/messages/:id',
    {
      config: singleMessageConfig,
      schema: {
        operationId: 'traceSms',
        summary: 'Show the history of a message',
        tags,
        security,
        params,
        response: { 200: message },
      },
    },
    async (request) => shown(await messageAdmin.trace(request.params.id)),
  );

  app.post(
    '/sms/messages/:id/retry',
    {
      config: { docs: { errors: [...singleMessageConfig.docs.errors, 'CONFLICT'] } },
      schema: {
        operationId: 'retrySms',
        summary: 'Retry a dead-lettered or waiting message now',
        tags,
        security,
        params,
        response: { 200: Type.Object({ retried: Type.Integer() }) },
      },
    },
    async (request) => {
      await messageAdmin.retry(request.params.id);
      return { retried: 1 };
    },
  );

  app.delete(
    '/sms/messages/:id',
    {
      config: singleMessageConfig,
      schema: {
        operationId: 'dropSms',
        summary: 'Delete a dead-lettered message',
        tags,
        security,
        params,
        response: { 200: Type.Object({ dropped: Type.Integer() }) },
      },
    },
    async (request) => {
      await messageAdmin.drop(request.params.id);
      return { dropped: 1 };
    },
  );

  const retries = [
    {
      path: '/sms/failed/retry',
      operationId: 'retryFailedSms',
      summary: 'Retry the oldest dead-lettered messages, 500 at most',
      retry: messageAdmin.retryOldest,
    },
    {
      path: '/sms/waiting/retry',
      operationId: 'retryWaitingSms',
      summary: 'Retry the waiting messages that are due last, 500 at most',
      retry: messageAdmin.retryWaiting,
    },
  ];
  for (const { path, operationId, summary, retry } of retries) {
    const response = { 200: Type.Object({ retried: Type.Integer(), left: Type.Integer() }) };
    app.post(path, { config, schema: { operationId, summary, tags, security, response } }, retry);
  }

  app.get(
    '/sms/summary',
    {
      config,
      schema: {
        operationId: 'summarizeSms',
        summary: 'Count waiting and dead-lettered messages, and show the health of the upstream systems',
        tags,
        security,
        response: { 200: backlog },
      },
    },
    async () => {
      const found = await messageAdmin.summary();
      const health = await outgoingHealth?.();
      const outgoing = health && { ...health, passedOver: [...health.passedOver] };
      return { ...found, upstreams: [...found.upstreams], ...(outgoing && { outgoing }) };
    },
  );
};

/** With a list of its own, as the schema has it. */
function shown(view: MessageView) {
  return { ...view, history: [...view.history] };
}
