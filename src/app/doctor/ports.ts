// Whether a service can listen: the port is free, or a swob answers there. Used by `swob doctor`.

import { createServer } from 'node:net';
import { errnoOf } from '../../errors.ts';
import { type Finding, fail, ok } from './finding.ts';

export interface Listener {
  /** `gateway` */
  readonly service: string;
  readonly host: string;
  readonly port: number;
}

/** `whoAnswers` says which swob answers at the port, when one does; it is asked only when the port is taken. */
export async function checkPort(
  { service, host, port }: Listener,
  whoAnswers: () => Promise<string | undefined>,
): Promise<Finding> {
  const check = `port of ${service}`;
  const where = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  if (port === 0) return ok(check, 'a free one is taken at each start');
  switch (await tryListen(host, port)) {
    case undefined:
      return ok(check, `${where} is free`);
    case 'EADDRINUSE': {
      const who = await whoAnswers();
      if (who !== undefined) return ok(check, `${where}: ${who}`);
      return fail(
        check,
        `${where} is held by another program`,
        `see which: ss -ltnp 'sport = :${port}'; stop it, or choose another port`,
      );
    }
    case 'EACCES':
      return fail(
        check,
        `${where}: this user may not listen there`,
        'ports under 1024 need AmbientCapabilities=CAP_NET_BIND_SERVICE in the unit; or choose another port',
      );
    case 'EADDRNOTAVAIL':
      return fail(
        check,
        `${host} is no address of this machine`,
        'choose one that is (ip address), or 0.0.0.0',
      );
    default:
      return fail(check, `cannot listen on ${where}`, 'look at host and port in the configuration');
  }
}

/** The system's reason when it cannot be listened on; undefined when it can. */
function tryListen(host: string, port: number): Promise<unknown> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', (error) => resolve(errnoOf(error) ?? 'failed'));
    server.listen({ host, port }, () => server.close(() => resolve(undefined)));
  });
}
