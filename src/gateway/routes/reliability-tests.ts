// Routes of reliability tests of one gateway client. docs/protocol.md, "Which number works".

import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import { type Static, Type } from 'typebox';
import {
  type Reliability,
  type TestList,
  type TestStatus,
  testStatuses,
} from '../../domain/seeds/reliability.ts';
import type { ServiceUrls } from '../../domain/shared/urls.ts';
import { SwobError } from '../../errors.ts';
import { addInboundBodies, inboundText } from '../inbound-body.ts';
import { jsonError, jsonErrorBody, jsonErrorContent } from '../json-errors.ts';
import { describePage, pageQuery, readFilters, readPage, readTime } from '../paging.ts';

interface Options {
  readonly reliability: Reliability;
  readonly addresses: ServiceUrls;
}

const bodyLimit = 4_096;

const seconds = Type.Integer({ description: 'Unix time in seconds' });
const secondsOrNull = Type.Union([seconds, Type.Null()]);
const test = Type.Object({
  id: Type.Integer(),
  msisdn: Type.String({ description: 'Number of the gateway client' }),
  start_time: seconds,
  sms_sent_time: secondsOrNull,
  sms_received_time: secondsOrNull,
  sms_routed_time: secondsOrNull,
  status: Type.Enum(testStatuses),
});
const tests = Type.Object({
  data: Type.Array(test, { description: 'The newest first' }),
  total_records: Type.Integer(),
  total_success: Type.Integer(),
  total_failed: Type.Integer(),
});
const started = Type.Object({
  message: Type.String(),
  test_id: Type.Integer({ description: 'The text of the SMS to send to the gateway client' }),
  test_start_time: seconds,
});

const params = Type.Object({ msisdn: Type.String({ description: 'With or without +' }) });

export const reliabilityTestRoutes: FastifyPluginAsyncTypebox<Options> = async (app, options) => {
  const { reliability, addresses } = options;
  // The app sends a body that has no use here, and other clients send none.
  const readBody = addInboundBodies(app);

  app.post(
    '/v3/clients/:msisdn/tests',
    {
      bodyLimit,
      config: {
        earlyRateLimits: ['tests'],
        errorBody: jsonErrorBody,
        docs: {
          body: {
            'application/json': Type.Object(
              { sender: Type.Optional(Type.String({ description: 'The only number whose SMS counts' })) },
              { additionalProperties: true },
            ),
          },
          anyContentType: true,
          responses: {
            200: {
              description: 'The test has started; an error when there is no such client',
              content: { 'application/json': Type.Union([started, jsonError]) },
            },
          },
          errors: ['LIMITED', 'UNAVAILABLE'],
          errorContent: jsonErrorContent,
        },
      },
      schema: {
        operationId: 'startReliabilityTest',
        summary: 'Start a reliability test: send an SMS with its id to the gateway client within 3 minutes',
        tags: ['clients'],
        params,
      },
    },
    async (request): Promise<Static<typeof started> | Static<typeof jsonError>> => {
      const body = inboundText(request).trim() === '' ? undefined : readBody(request);
      if (body?.kind === 'fault') throw new SwobError('BAD_INPUT', `not JSON: ${body.reason}`);
      const sender = body?.members.sender ?? undefined;
      if (sender !== undefined && typeof sender !== 'string') {
        throw new SwobError('BAD_INPUT', 'sender is not well formed: a text was expected');
      }
      const { address } = request.requestContext;
      const newTest = await reliability.request(request.params.msisdn, sender, address);
      // The old server responds with 200 here, too.
      if (!newTest) return jsonErrorBody('Gateway client not found');
      return {
        message: 'Test started successfully.',
        test_id: newTest.id,
        test_start_time: toSeconds(newTest.startedAt),
      };
    },
  );

  const querystring = Type.Object({
    status: Type.Optional(Type.String({ description: testStatuses.join(', ') })),
    start_time: Type.Optional(Type.String({ description: 'Started since, ISO 8601' })),
    end_time: Type.Optional(Type.String({ description: 'Started until, ISO 8601' })),
    ...pageQuery,
  });
  app.get(
    '/v3/clients/:msisdn/tests',
    {
      config: {
        errorBody: jsonErrorBody,
        docs: { querystring, errors: ['LIMITED', 'UNAVAILABLE'], errorContent: jsonErrorContent },
      },
      schema: {
        operationId: 'listReliabilityTests',
        summary: 'List the reliability tests of a gateway client, a page at a time',
        tags: ['clients'],
        params,
        response: { 200: tests },
      },
    },
    async (request, reply) => {
      const { msisdn } = request.params;
      const filters = readFilters(request.query, ['status', 'start_time', 'end_time']);
      const page = readPage(readFilters(request.query, ['page', 'per_page']));
      const found = await reliability.list(msisdn, {
        status: readStatus(filters.status),
        from: readTime('start_time', filters.start_time),
        to: readTime('end_time', filters.end_time),
        ...page,
      });
      const url = `${addresses.gateway()}/v3/clients/${encodeURIComponent(msisdn)}/tests`;
      describePage(reply, page, found.total, { url, filters });
      return {
        data: found.tests.map(toTest),
        total_records: found.total,
        total_success: found.succeeded,
        total_failed: found.timedOut,
      };
    },
  );
};

function readStatus(text: string | undefined): TestStatus | undefined {
  const status = testStatuses.find((each) => each === text);
  if (text === undefined || status !== undefined) return status;
  throw new SwobError('BAD_INPUT', `Invalid status. Must be one of: ${testStatuses.join(', ')}.`);
}

function toTest(found: TestList['tests'][number]): Static<typeof test> {
  const { id, msisdn, startedAt, sentAt, receivedAt, routedAt, status } = found;
  const orNull = (ms: number | undefined) => (ms === undefined ? null : toSeconds(ms));
  return {
    id,
    msisdn,
    start_time: toSeconds(startedAt),
    sms_sent_time: orNull(sentAt),
    sms_received_time: orNull(receivedAt),
    sms_routed_time: orNull(routedAt),
    status,
  };
}

function toSeconds(ms: number): number {
  return Math.floor(ms / 1_000);
}
