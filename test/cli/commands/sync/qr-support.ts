// A gateway and a sync websocket for `sync qr`. Used by its tests.

import type { WebSocket } from 'ws';
import {
  type Cli,
  type CliOptions,
  createCli,
  type FakeGateway,
  startGateway,
  startSync,
} from '../../harness.ts';

export const qrUrl = (number: number): string =>
  `http://127.0.0.1:6969/v2/sync/users/alice/sessions/${number}/handshake`;
export const frame = (number: number): string =>
  JSON.stringify({ qr_url: qrUrl(number), mobile_url: qrUrl(number).replace('http', 'app') });

/** Starts gateway and websocket; calls `serve` with the socket of each client. */
export async function setUp(
  serve: (socket: WebSocket) => void,
  options: CliOptions = {},
): Promise<FakeGateway & { readonly sync: string; readonly paths: string[]; readonly cli: Cli }> {
  const paths: string[] = [];
  const sync = await startSync((socket, path) => {
    paths.push(path);
    serve(socket);
  });
  const gateway = await startGateway(() => ({ body: `${sync}/v2/sync/init/alice/1` }));
  return { ...gateway, sync, paths, cli: createCli(options) };
}
