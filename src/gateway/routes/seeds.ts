// Routes of gateway clients: ping, register, list. CONTRACT.md, "Seeds".

import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox';
import type { FastifyRequest } from 'fastify';
import { type Static, Type } from 'typebox';
import { verifySeedToken } from '../../crypto/seed-token.ts';
import { asSoonAs } from '../../domain/as-soon-as.ts';
import { limitAddress } from '../../domain/limiting.ts';
import { mapAgain } from '../../domain/map-again.ts';
import type { Seeds, SeedView } from '../../domain/seeds.ts';
import { unlessSame } from '../../domain/unless-same.ts';
import { SwobError } from '../../errors.ts';
import { bearerOf } from '../bearer.ts';
import type { IdentifierSchemas } from '../identifier-schemas.ts';

interface Options {
  readonly seeds: Seeds;
  readonly ids: IdentifierSchemas;
  /** Empty: no token is asked for. */
  readonly tokenSecret: string;
}

// Handlers return the text, not the reply: to wait for that, fastify watches the whole answer with an `end-of-stream`.
const textType = 'text/plain; charset=utf-8';
const badJson = 'invalid json';
/** Gateway clients and their operators ask all the time. */
const often = { quiet: true };
const missing = { seed_type: 'missing seeder state' };

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

export const seedRoutes: FastifyPluginAsyncTypebox<Options> = async (app, { seeds, ids, tokenSecret }) => {
  // Sent as bytes, because fastify would serialise a thousand seeds anew for each request.
  const listSchema = { tags: ['seeds'], response: { 200: Type.Unsafe<Buffer>(Type.Array(seedSchema)) } };
  for (const { url, summary, type } of [
    { url: '/seeds', summary: 'Active seeds' },
    { url: '/seeders', summary: 'Active seeders', type: 'seeder' },
  ] as const) {
    const bytesOf = createListBytes();
    app.get(url, { config: often, schema: { summary, ...listSchema } }, (_request, reply) => {
      reply.type('application/json; charset=utf-8');
      return asSoonAs(seeds.list(type), bytesOf);
    });
  }

  app.get(
    '/seeds/:IMSI',
    {
      config: often,
      schema: {
        summary: 'MSISDN of an active seed, or nothing',
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
      config: { ...often, badJson, missing },
      schema: {
        summary: 'A gateway client is alive; answers its LPS',
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
      return asSoonAs(lps, formatLps);
    },
  );

  app.post(
    '/seeds',
    {
      config: { badJson, missing },
      schema: {
        summary: "A seeder registers another SIM's number; answers its LPS",
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

/** The list as JSON, with what the one before had not made again: bytes, as to encode a list costs ten times its copy. */
function createListBytes(): (views: readonly SeedView[]) => Buffer {
  const partsOf = mapAgain((view: SeedView) => Buffer.from(`,${JSON.stringify(toWire(view))}`));
  const [opening, closing] = [Buffer.from('['), Buffer.from(']')];
  return unlessSame((views) => {
    const [first, ...others] = partsOf(views);
    return Buffer.concat(first ? [opening, first.subarray(1), ...others, closing] : [opening, closing]);
  });
}

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

/** As the old server's text: seconds, always with a fraction. */
function formatLps(lps: number): string {
  return Number.isInteger(lps) ? `${lps}.0` : String(lps);
}

/** Where tokens are on, a valid one of any SIM, or that of `imsi` when a client speaks for itself. */
function requireToken(request: FastifyRequest, secret: string, imsi?: string): void {
  if (secret === '') return;
  const token = bearerOf(request);
  const owner = token === undefined ? undefined : verifySeedToken(secret, token);
  if (owner === undefined || (imsi !== undefined && owner !== imsi)) {
    throw new SwobError('UNAUTHENTICATED', 'missing or wrong token');
  }
}
