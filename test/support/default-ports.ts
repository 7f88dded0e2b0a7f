// The default ports of swob, its stubs and its upstream systems. They may be in use on the machine, so no test uses
// them. Under CI=true they are occupied during the tests, so that a test that uses one fails, and connections are
// reported.

import { createServer, type Server } from 'node:net';
import { commandOfPeer } from './peer-process.ts';

/** With who uses them; default-ports.test.ts holds the list to the configuration. */
export const defaultPorts: Readonly<Record<number, string>> = {
  5672: 'RabbitMQ',
  6379: 'Redis',
  6969: 'gateway',
  6996: 'sync',
  7070: 'PCRF',
  9000: 'user management API',
  9096: 'disconnect service',
  9100: 'developer API',
  9200: 'Publisher',
  15672: 'management API of RabbitMQ',
  26379: 'Sentinel',
};

/** vitest's globalSetup. */
export default async function takeDefaultPorts(): Promise<() => Promise<void>> {
  /** By port, the command that called it first. */
  const called = new Map<number, string>();
  const servers: Server[] = [];
  for (const port of process.env.CI === 'true' ? Object.keys(defaultPorts).map(Number) : []) {
    const server = createServer((socket) => {
      if (!called.has(port))
        called.set(port, commandOfPeer(socket.remotePort ?? 0, port) ?? 'a process that has ended');
      socket.on('error', () => {}).destroy();
    });
    const isListening = await new Promise<boolean>((resolve) => {
      server.once('listening', () => resolve(true)).once('error', () => resolve(false));
      server.listen(port, '127.0.0.1');
    });
    // A port that is in use cannot be watched, which does not prevent the tests.
    if (isListening) servers.push(server);
  }
  return async () => {
    await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
    if (called.size === 0) return;
    const names = [...called].map(([port, command]) => `${port} (${defaultPorts[port]}) by ${command}`);
    // Not a failure, as another program on the machine may have connected.
    process.stderr.write(`default ports were called during the tests: ${names.join(', ')}\n`);
  };
}
