// The error responses of the balancers in confs/balancer when no node is available.

import { expect, onTestFinished, test, vi } from 'vitest';
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
