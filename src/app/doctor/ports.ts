// Checks that a service can listen: its port is free, or a swob listens there. Used by `swob doctor`.

import { createSocket } from 'node:dgram';
import { createServer, isIPv6 } from 'node:net';
import { systemErrorCode } from '../../errors.ts';
import { type Finding, fail, ok } from '../../lib/finding.ts';
import { createListener } from '../../lib/listener.ts';
import { bracketHost } from '../../lib/net.ts';

export interface Listener {
  /** `gateway` */
  readonly service: string;
  readonly host: string;
  readonly port: number;
}

/** `identifySwob` describes the swob that listens at the port; called only when the port is in use. */
export async function checkPort(
  { service, host, port }: Listener,
  identifySwob: () => Promise<string | undefined>,
): Promise<Finding> {
  const check = `port of ${service}`;
  const endpoint = `${bracketHost(host)}:${port}`;
  if (port === 0) return ok(check, 'each start chooses a free port');
  const { code, address } = await tryToListen(host, port);
  switch (code) {
    case undefined:
      return ok(check, `${endpoint} is free`);
    case 'EADDRINUSE': {
      const swob = await identifySwob();
      if (swob !== undefined) return ok(check, `${endpoint}: ${swob}`);
      return fail(
        check,
        `${bracketHost(address)}:${port} is in use by another program`,
        `find it with ss -ltnp 'sport = :${port}' and stop it, or choose another port`,
      );
    }
    case 'EACCES':
      return fail(
        check,
        `${endpoint}: this user has no permission to listen there`,
        'set AmbientCapabilities=CAP_NET_BIND_SERVICE in the unit for ports below 1024, or choose another port',
      );
    case 'EADDRNOTAVAIL':
    case 'EAFNOSUPPORT':
      return fail(
        check,
        `${host} is not an address of this machine`,
        'choose an address that `ip address` shows, or 0.0.0.0',
      );
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return fail(check, `${host} does not resolve`, 'choose an address of this machine, or 0.0.0.0');
    default:
      return fail(check, `cannot listen on ${endpoint}`, 'check host and port in the configuration');
  }
}

/** The same for the UDP port of RADIUS accounting, which the disconnect service has while it runs. */
export async function checkAccountingPort(
  { host, accounting_port: port }: { readonly host: string; readonly accounting_port: number },
  identifySwob: () => Promise<string | undefined>,
): Promise<Finding> {
  const check = 'port of accounting';
  const endpoint = `UDP ${bracketHost(host)}:${port}`;
  const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4');
  const code = await new Promise<unknown>((resolve) => {
    socket.once('error', (error) => resolve(systemErrorCode(error) ?? 'failed'));
    socket.bind({ port, address: host, exclusive: true }, () => resolve(undefined));
  });
  // Also after an error: a daemon checks the port that its own service has, again and again.
  await new Promise<void>((resolve) => void socket.close(resolve));
  if (code === undefined) return ok(check, `${endpoint} is free`);
  const swob = code === 'EADDRINUSE' ? await identifySwob() : undefined;
  if (swob !== undefined) return ok(check, `${endpoint}: ${swob}`);
  return fail(
    check,
    `cannot listen on ${endpoint} (${String(code)})`,
    `find the program that has it with ss -lunp 'sport = :${port}', or set [disconnect] accounting_port`,
  );
}

/** The error of listening there, and the address that has it; no code when it succeeds. */
async function tryToListen(host: string, port: number): Promise<{ code?: unknown; address: string }> {
  // In a worker process, node:cluster would let the primary listen.
  const listener = createListener(createServer(), { host, port, exclusive: true });
  try {
    await listener.start();
    await listener.close();
    return { address: host };
  } catch (error) {
    const address = error instanceof Error && 'address' in error ? String(error.address) : host;
    return { code: systemErrorCode(error) ?? 'failed', address };
  }
}
