// The ports that no test may use include every default port of the configuration, and who calls one is named.

import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import { schema } from '../../src/config/schema.ts';
import { defaultPorts } from '../support/default-ports.ts';
import { needs } from '../support/needs.ts';
import { commandOfPeer } from '../support/peer-process.ts';

/** The port of a key named `port`, or of a URL on this machine. */
function portsIn(key: string, value: unknown): number[] {
  if (key === 'port' && typeof value === 'number') return [value];
  const [, port] = /^\w+:\/\/(?:localhost|127\.0\.0\.1):(\d+)/.exec(String(value)) ?? [];
  return port === undefined ? [] : [Number(port)];
}

test('the list contains every default port of the configuration', () => {
  const { config } = loadConfig({ files: ['/dev/null'], env: {} });
  const sections = Object.entries(config).flatMap(([, keys]) => Object.entries(keys));
  const ports = sections.flatMap(([key, value]) => portsIn(key, value));
  expect(ports.length).toBeGreaterThanOrEqual(6);
  expect(ports.filter((port) => !(port in defaultPorts))).toEqual([]);
  const names = Object.keys(schema).map((section) => section.replace(' <name>', ''));
  expect(names.sort()).toEqual(Object.keys(config).sort());
});

test('the process that calls a port is named', async (context) => {
  needs(context, { loopbackNetwork: true });
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  const client = connect(port, '127.0.0.1');
  onTestFinished(() => void client.destroy());
  const [socket]: Socket[] = await once(server, 'connection');
  onTestFinished(() => void socket?.destroy());
  expect(commandOfPeer(socket?.remotePort ?? 0, port)).toMatch(/node|vitest/);
  expect(commandOfPeer(1, port)).toBeUndefined();
});
