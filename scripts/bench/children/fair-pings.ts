// The baseline of C1: POST /seeds/ping by fastify with swob's schema and headers, and a Map of the seeds.

import { type Ping, pingBody } from './ping-body.ts';
import { createFairServer, serveFair } from './serve.ts';

const seeds = new Map<string, Ping & { readonly lps: number }>();
const app = createFairServer();

app.post<{ Body: Ping }>('/seeds/ping', { schema: { body: pingBody } }, (request, reply) => {
  const { IMSI, MSISDN, seed_type } = request.body;
  const lps = Date.now() / 1_000;
  seeds.set(IMSI, { IMSI, MSISDN, seed_type, lps });
  reply.type('text/plain; charset=utf-8').send(String(lps));
});

await serveFair(app);
