// The baseline of C1: POST /seeds/ping by fastify with swob's schema and headers, and a Map of the seeds.

import { Type } from 'typebox';
import { createFairServer, serveFair } from './serve.ts';

interface Ping {
  readonly IMSI: string;
  readonly MSISDN: string;
  readonly seed_type: 'seed' | 'seeder';
}

const identifier = Type.String({ pattern: '^[A-Za-z0-9_.+-]{1,64}$' });
const body = Type.Object({
  IMSI: identifier,
  MSISDN: identifier,
  seed_type: Type.Union([Type.Literal('seed'), Type.Literal('seeder')]),
});
const seeds = new Map<string, Ping & { readonly lps: number }>();
const app = createFairServer();

app.post<{ Body: Ping }>('/seeds/ping', { schema: { body } }, (request, reply) => {
  const { IMSI, MSISDN, seed_type } = request.body;
  const lps = Date.now() / 1_000;
  seeds.set(IMSI, { IMSI, MSISDN, seed_type, lps });
  reply.type('text/plain; charset=utf-8').send(String(lps));
});

await serveFair(app);
