// Everything that calling a gateway takes, in one import for start-up's sake. Used by context.ts.

import type { Config } from '../config/schema.ts';
import { findGateway } from './daemon.ts';
import { createHttpClient, type HttpClient } from './http-client.ts';

/** A client for the gateway at `url`, or where the configuration says. */
export async function openGateway(
  config: Config,
  url: string | undefined,
  signal: AbortSignal,
): Promise<HttpClient> {
  return createHttpClient({ ...(await findGateway(config, url)), signal });
}
