import { getEventListeners } from 'node:events';
import { expect, test } from 'vitest';
import { openGatewayApi } from '../../../src/cli/client/gateway-api.ts';
import { connectSync } from '../../../src/cli/client/sync-client.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { createFakeClock } from '../../support/fake-clock.ts';
import { startGateway, startSync, unusedUrl } from '../harness.ts';

async function connectTo(url: string, signal: AbortSignal) {
  const { config } = loadConfig({ files: ['/dev/null'], setOptions: [], env: {} });
  const client = { config, signal, http: await openGatewayApi(config, undefined, signal) };
  return connectSync(client, createFakeClock(), 'alice', url);
}

test('nothing listens to the signal once connecting has failed, or the socket is closed', async () => {
  const { signal } = new AbortController();
  const refusing = await startGateway(() => ({ status: 503 }));
  for (const url of [await unusedUrl(), refusing.url])
    await expect(connectTo(url.replace('http', 'ws'), signal)).rejects.toThrow('sync websocket');
  expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  const socket = await connectTo(await startSync(() => {}), signal);
  expect(getEventListeners(signal, 'abort')).toHaveLength(1);
  socket.close();
  expect(getEventListeners(signal, 'abort')).toHaveLength(0);
});
