// Sample data of a playground, made as clients make it: seeds that ping, and a paired phone. Used by the `playground`
// commands.

import { join } from 'node:path';
import { loadConfig } from '../../config/load.ts';
import type { Clock } from '../../domain/shared/ports.ts';
import { createHttpClient } from '../client/http-client.ts';
import { pairOverSocket } from '../client/socket-pairing.ts';
import { writeFileAtomic } from '../ready-file.ts';
import { type Playground, playgroundUser } from './playground.ts';

const seeds = [
  { IMSI: '624010123456789', MSISDN: '+237650000001', seed_type: 'seeder' },
  { IMSI: '624020123456789', MSISDN: '+237690000002', seed_type: 'seed' },
  { IMSI: '621300123456789', MSISDN: '+2348030000003', seed_type: 'seed' },
] as const;

/** Seeds stay active while the playground runs. */
const pingIntervalMs = 10_000;

/** Where the key of the paired phone is. */
export function sharedKeyFile(folder: string): string {
  return join(folder, 'shared.key');
}

/** @returns a function that ends the pings */
export async function addSeedData(
  { urls, folder, config }: Playground,
  clock: Clock,
  signal: AbortSignal,
): Promise<() => void> {
  const http = createHttpClient({ baseUrl: urls.gateway, signal });
  const ping = async (): Promise<void> => {
    await Promise.all(seeds.map((body) => http.text({ method: 'POST', path: '/seeds/ping', body })));
  };
  await ping();
  const client = { http, signal, config: loadConfig({ files: [config], env: {} }).config };
  const { id: user, password } = playgroundUser;
  const { sharedKey } = await pairOverSocket(client, { clock, user, password });
  await writeFileAtomic(sharedKeyFile(folder), `${sharedKey}\n`, 0o600);
  return clock.every(pingIntervalMs, () => void ping().catch(() => {}));
}
