// The balancers in confs/balancer when nodes fail: their error responses when none is available, and what they send once more.

import { once } from 'node:events';
import { createServer } from 'node:http';
import { Agent, request } from 'node:https';
import { text } from 'node:stream/consumers';
import { expect, onTestFinished, test, vi } from 'vitest';
import { createListener } from '../../src/lib/listener.ts';
import { temporaryFolder } from '../support/folders.ts';
import { prepareHaproxy } from '../support/haproxy.ts';
import { needs } from '../support/needs.ts';
import { prepareNginx } from '../support/nginx.ts';
import { get } from '../support/phone.ts';
import { freePorts } from '../support/ports.ts';

test.for([
  { name: 'haproxy', prepare: prepareHaproxy },
  { name: 'nginx', prepare: prepareNginx },
])(
  'error responses have no HTML: empty for the number of a seed, JSON for a captive portal: $name',
  async ({ name, prepare }, context) => {
    needs(context, { command: name });
    const [gateway = 0, sync = 0, disconnect = 0] = await freePorts(3);
    const ports = { gateway, sync, disconnect };
    const prepared = await prepare(temporaryFolder(), [ports, ports, ports]);
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
    onTestFinished(() => void vi.unstubAllEnvs());
    await prepared.start();
    for (const path of ['/seeds/624012345678901', '/seeds/%zz']) {
      const response = await get(`${prepared.gateway}${path}`);
      expect([path, response.status >= 400, response.text]).toEqual([path, true, '']);
    }
    const refused = await get(`${prepared.disconnect}/disconnect?token=a.b.c`);
    expect([refused.status >= 500, refused.headers.get('content-type')]).toEqual([true, 'application/json']);
    expect(JSON.parse(refused.text)).toMatchObject({
      success: false,
      fail: 'the disconnect service is away',
    });
  },
);

test('HAProxy passes on what the nodes respond when none is ready', async (context) => {
  needs(context, { command: 'haproxy' });
  vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
  onTestFinished(() => void vi.unstubAllEnvs());
  const reason = '{"success":false,"fail":"the store cannot be reached now","code":"UNAVAILABLE"}';
  const node = createServer(({ url }, response) => {
    response.statusCode = url === '/livez' ? 200 : 503;
    response.end(reason);
  });
  const port = await createListener(node, { host: '127.0.0.1', port: 0 }).start();
  onTestFinished(() => node.closeAllConnections());
  const ports = { gateway: port, sync: port, disconnect: port };
  const prepared = await prepareHaproxy(temporaryFolder(), [ports, ports, ports]);
  const balancer = await prepared.start();
  for (const backend of ['gateway', 'disconnect'] as const) {
    await balancer.serves(backend, []);
    await balancer.serves(`${backend}_anyway`, ['node1', 'node2', 'node3']);
  }
  for (const url of [`${prepared.gateway}/seeds`, `${prepared.disconnect}/disconnect?token=a.b.c`])
    expect([url, (await get(url)).text]).toEqual([url, reason]);
});

test('HAProxy sends a request once more whose node ends the connection, also when its body comes late', async (context) => {
  needs(context, { command: 'haproxy' });
  vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
  onTestFinished(() => void vi.unstubAllEnvs());
  let isEnding = false;
  const node = createServer(async (incoming, response) => {
    if (incoming.method === 'POST' && isEnding) {
      isEnding = false;
      return incoming.socket.destroy();
    }
    response.end(await text(incoming));
  });
  const gateway = await createListener(node, { host: '127.0.0.1', port: 0 }).start();
  onTestFinished(() => node.closeAllConnections());
  const ports = { gateway, sync: gateway, disconnect: gateway };
  const prepared = await prepareHaproxy(temporaryFolder(), [ports, ports, ports]);
  const balancer = await prepared.start();
  await balancer.serves('gateway', ['node1', 'node2', 'node3']);

  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  onTestFinished(() => agent.destroy());
  const send = async (body: string): Promise<unknown> => {
    const headers = { 'content-length': body.length };
    const sent = request(`${prepared.gateway}/seeds/ping`, { agent, method: 'POST', headers });
    const responded = once(sent, 'response');
    responded.catch(() => {});
    sent.flushHeaders();
    // Meanwhile HAProxy has received the headers, and would have sent them on.
    for (let count = 0; count < 3; count++) await get(`${prepared.gateway}/seeds`);
    sent.end(body);
    const [response] = await responded;
    return text(response);
  };
  expect(await send('on a new connection')).toBe('on a new connection');
  isEnding = true;
  expect(await send('on a kept connection')).toBe('on a kept connection');
  expect(isEnding).toBe(false);
});
