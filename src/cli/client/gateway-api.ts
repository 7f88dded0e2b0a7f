// Opens an HTTP client for the gateway. Used by the context of commands, and to complete their arguments.

import type { Config } from '../../config/schema.ts';
import { gatewayEndpoint } from './endpoints.ts';
import { createHttpClient, type HttpClient } from './http-client.ts';

/** An HTTP client for the gateway at `url`, or else at the configured address. */
export async function openGatewayApi(
  config: Config,
  url: string | undefined,
  signal: AbortSignal,
): Promise<HttpClient> {
  return createHttpClient({ ...(await gatewayEndpoint(config, url)), signal });
}
