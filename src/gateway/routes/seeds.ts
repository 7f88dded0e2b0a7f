// Routes of gateway clients: ping, register, list. docs/protocol.md, "Seeds".

import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { FastifyContextConfig, FastifyRequest } from 'fastify';
import { type Static, Type } from 'typebox';
import { verifySeedToken } from '../../crypto/seed-token.ts';
import type { Seeds, SeedView } from '../../domain/seeds/seeds.ts';
import { limitAddress } from '../../domain/shared/rate-limiting.ts';
import { SwobError } from '../../errors.ts';
import { type RouteDocs, textContent } from '../../http/api-docs/route-docs.ts';
import { bearerToken } from '../../http/bearer-token.ts';
import { createListEncoder } from '../../lib/encode-list.ts';
import { mapMaybe } from '../../lib/maybe-promise.ts';
import type { IdentifierSchemas } from '../identifier-schemas.ts';

interface Options {
  readonly seeds: Seeds;
  readonly ids: IdentifierSchemas;
  /** Empty: no token is required. */
  readonly tokenSecret: string;
}

// Handlers return the text, not the reply: fastify awaits a reply with `end-of-stream`, which is slower.
const textType = 'text/plain; charset=utf-8';
const invalidJsonText = 'invalid json';
/** Gateway clients call these routes continuously. */
const quietConfig = { quiet: true };
const missingMemberTexts = { seed_type: 'missing seeder state' };

const nullableText = Type.Union([Type.String(), Type.Null()]);
const seedSchema = Type.Object({
  IMSI: Type.String(),
  MSISDN: Type.String(),
  seed_type: Type.Union([Type.Literal('seed'), Type.Literal('seeder')]),
  LPS: Type.Number({ description: 'Unix time of the last ping, in seconds' }),
  country: nullableText,
  operator_name: nullableText,
  operator_id: nullableText,
});

const lpsDocs = {
  responses: {
    200: { description: 'The LPS of the seed', content: textContent('Unix time in seconds with a fraction') },
  },
  errors: ['UNAUTHENTICATED', 'LIMITED', 'UNAVAILABLE'],
} satisfies RouteDocs;

export const seedRoutes: FastifyPluginAsyncTypebox<Options> = async (app, { seeds, ids, tokenSecret }) => {
  const security = tokenSecret === '' ? {} : { security: [{ seedToken: [] }] };
  // Sent as bytes, because fastify would serialize a thousand seeds for each request.
  const response = {
    200: Type.Unsafe<Buffer>(Type.Array(seedSchema, { description: 'Least recently seen first' })),
  };
  const listConfig = { ...quietConfig, docs: { errors: ['UNAVAILABLE'] } } satisfies FastifyContextConfig;
  for (const { url, operationId, summary, type } of [
    { url: '/seeds', operationId: 'listSeeds', summary: 'List active seeds' },
    { url: '/seeders', operationId: 'listSeeders', summary: 'List active seeders', type: 'seeder' },
  ] as const) {
    const encodeList = createListEncoder((view: SeedView) => JSON.stringify(toWire(view)), encodedPerTurn);
    const schema = { operationId, summary, tags: ['seeds'], response };
    app.get(url, { config: listConfig, schema }, (_request, reply) => {
      reply.type('application/json; charset=utf-8');
      return mapMaybe(seeds.list(type), encodeList);
    });
  }

  app.get(
    '/seeds/:IMSI',
    {
      config: {
        ...quietConfig,
        docs: {
          responses: {
            200: {
              description: 'The MSISDN of the seed; empty when it is not active',
              content: textContent(),
            },
          },
          errors: ['UNAVAILABLE'],
          errorContent: {},
        },
      },
      schema: {
        operationId: 'getSeed',
        summary: 'Return the MSISDN of an active seed, or nothing',
        tags: ['seeds'],
        params: Type.Object({ IMSI: ids.imsi }),
      },
    },
    async (request, reply) => {
      reply.type(textType);
      return (await seeds.msisdnOf(request.params.IMSI)) ?? '';
    },
  );

  app.post(
    '/seeds/ping',
    {
      config: {
        ...quietConfig,
        invalidJsonText,
        missingMemberTexts,
        earlyRateLimits: ['pings'],
        docs: lpsDocs,
      },
      schema: {
        ...security,
        operationId: 'pingSeed',
        summary: 'Report that a gateway client is alive; returns its LPS',
        tags: ['seeds'],
        body: Type.Object({
          IMSI: ids.imsi,
          MSISDN: ids.msisdn,
          seed_type: Type.Union([Type.Literal('seed'), Type.Literal('seeder')]),
        }),
      },
    },
    (request, reply) => {
      const { IMSI, MSISDN, seed_type } = request.body;
      requireToken(request, tokenSecret, IMSI);
      reply.type(textType);
      const lps = seeds.ping({ imsi: IMSI, msisdn: MSISDN, seedType: seed_type }, limitAddress(request.ip));
      return mapMaybe(lps, formatLps);
    },
  );

  app.post(
    '/seeds',
    {
      config: { invalidJsonText, missingMemberTexts, earlyRateLimits: ['pings'], docs: lpsDocs },
      schema: {
        ...security,
        operationId: 'registerSeed',
        summary: "Register another SIM's number as a seeder; returns its LPS",
        tags: ['seeds'],
        body: Type.Object({ IMSI: ids.imsi, MSISDN: ids.msisdn }),
      },
    },
    async (request, reply) => {
      const { IMSI, MSISDN } = request.body;
      requireToken(request, tokenSecret);
      reply.type(textType);
      return formatLps(await seeds.register(IMSI, MSISDN, limitAddress(request.ip)));
    },
  );
};

/** Encoding a seed takes about 3 µs. */
const encodedPerTurn = 200;

function toWire(seed: SeedView): Static<typeof seedSchema> {
  return {
    IMSI: seed.imsi,
    MSISDN: seed.msisdn,
    seed_type: seed.seedType,
    LPS: seed.lps,
    country: seed.country,
    operator_name: seed.operatorName,
    operator_id: seed.operatorId,
  };
}

/** The old server's format: seconds, always with a fraction. */
function formatLps(lps: number): string {
  return Number.isInteger(lps) ? `${lps}.0` : String(lps);
}

/** When tokens are enabled, requires a valid token: of `imsi`, or of any SIM when it is undefined. */
function requireToken(request: FastifyRequest, secret: string, imsi?: string): void {
  if (secret === '') return;
  const token = bearerToken(request);
  const owner = token === undefined ? undefined : verifySeedToken(secret, token);
  if (owner === undefined || (imsi !== undefined && owner !== imsi)) {
    throw new SwobError('UNAUTHENTICATED', 'missing or wrong token');
  }
}
