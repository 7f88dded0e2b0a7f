// The second baseline of C1: as fair-pings.ts, with numbers in canonical form, the limits of the address and of the seed, and the
// seeds on disk twice a second. Argument: their file.

import { writeFile } from 'node:fs/promises';
import { consumeLimits, msisdnOf } from './checks.ts';
import { type Ping, pingBody } from './ping-body.ts';
import { createFairServer, serveFair } from './serve.ts';

const [file = ''] = process.argv.slice(2);
const seeds = new Map<string, Ping & { readonly lps: number }>();
let changed = false;
const app = createFairServer();

app.post<{ Body: Ping }>('/seeds/ping', { schema: { body: pingBody } }, (request, reply) => {
  const { IMSI, seed_type } = request.body;
  const MSISDN = msisdnOf(request.body.MSISDN);
  if (MSISDN === undefined) return reply.code(400).send('MSISDN is not a possible phone number');
  consumeLimits([`ping:address:${request.ip}`, `ping:imsi:${IMSI}`]);
  const lps = Date.now() / 1_000;
  seeds.set(IMSI, { IMSI, MSISDN, seed_type, lps });
  changed = true;
  return reply.type('text/plain; charset=utf-8').send(String(lps));
});

async function save(): Promise<void> {
  const text = changed ? JSON.stringify([...seeds.values()]) : undefined;
  changed = false;
  if (text !== undefined) await writeFile(file, text, { flush: true });
  setTimeout(save, 500).unref();
}

await save();
await serveFair(app);
