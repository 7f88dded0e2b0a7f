// An installation with fixed ports, so that the client commands find the daemons through the configuration.

import { freePort, occupy } from '../support/ports.ts';
import { createInstallation, type Installation, type InstallationOptions } from './installation.ts';

export interface FixedPortInstallation extends Installation {
  readonly api: number;
  readonly sync: number;
  readonly disconnect: number;
}

/** The upstream systems accept connections and never respond. */
export async function createFixedPortInstallation({
  extra = '',
  ...more
}: InstallationOptions = {}): Promise<FixedPortInstallation> {
  const [api, sync, disconnect] = [await freePort(), await freePort(), await freePort()];
  const upstream = await occupy();
  const lines = [
    '[publisher]',
    `port = ${upstream.port}`,
    '[backend_publisher]',
    `port = ${upstream.port}`,
    '[pcrf]',
    `port = ${upstream.port}`,
    '[dev_api]',
    `authentication_url = http://127.0.0.1:${upstream.port}/`,
  ];
  const installation = await createInstallation({ ...more, extra: `${lines.join('\n')}\n${extra}` });
  return { ...installation, api, sync, disconnect };
}

export const portsOf = ({ api, sync, disconnect }: FixedPortInstallation): Record<string, string> => ({
  SWOB_API_PORT: String(api),
  SWOB_WEBSOCKET_PORT: String(sync),
  SWOB_DISCONNECT_PORT: String(disconnect),
});
