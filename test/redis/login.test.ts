// Who may connect to Redis, and to which servers: passwords, users, certificates, and unsupported servers.

import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { inspect } from 'node:util';
import { expect, onTestFinished, test, vi } from 'vitest';
import { openRedisStore } from '../store/redis/support.ts';
import { redisForFile } from '../support/redis.ts';
import { connectTo } from '../support/redis-client.ts';
import { clusterForFile } from '../support/redis-cluster.ts';

const secret = 'hunter2 @/ü';
const server = redisForFile({ password: secret });
const secured = redisForFile({ tls: true });
const cluster = clusterForFile();
const timeout = 15_000;

test('the password authenticates, and is never logged', async () => {
  const { redis, log } = await connectTo(server().url);
  expect(await redis.run({ args: ['PING'] })).toBe('PONG');
  expect(JSON.stringify(log.lines)).not.toContain('hunter2');
});

test('rejects a wrong password, and a missing one, at the start', async () => {
  const { port } = server();
  const wrong = connectTo(`redis://:hunter3@127.0.0.1:${port}`);
  await expect(wrong).rejects.toMatchObject({
    code: 'CONFIG',
    message: `Redis at 127.0.0.1:${port} refuses our user or password: mend [store] user and password`,
    publicMessage: 'the store cannot be reached now',
  });
  await expect(connectTo(`redis://127.0.0.1:${port}`)).rejects.toMatchObject({
    code: 'CONFIG',
    message: `Redis at 127.0.0.1:${port} wants a password: set [store] password`,
  });
});

test('a user can do what its permissions allow', async () => {
  await server().call('acl', 'setuser', 'swob', 'on', '>other', '~swob:*', '&*', '+@all', '-flushall');
  const { redis } = await connectTo(`redis://swob:other@127.0.0.1:${server().port}`);
  expect(await redis.run({ key: 'swob:a', args: ['SET', 'swob:a', '1'] })).toBe('OK');
  await expect(redis.run({ args: ['FLUSHALL'] })).rejects.toMatchObject({
    code: 'CONFIG',
    message: expect.stringContaining('give [store] user the right'),
  });
  // A password that is changed while swob runs: the connection is lost, and cannot be restored.
  await server().call('acl', 'setuser', 'swob', 'resetpass', '>changed');
  await server().call('client', 'kill', 'user', 'swob');
  await vi.waitFor(() => expect(redis.run({ args: ['PING'] })).rejects.toMatchObject({ code: 'CONFIG' }), {
    timeout,
  });
});

test('a store whose password is changed while it is open becomes unavailable, and says what to fix', async () => {
  await server().call('acl', 'setuser', 'store', 'on', '>first', '~*', '&*', '+@all');
  const url = `redis://store:first@127.0.0.1:${server().port}`;
  const { store } = await openRedisStore({ url });
  expect(await store.users.get('alice')).toBeUndefined();
  await server().call('acl', 'setuser', 'store', 'resetpass', '>second');
  await server().call('client', 'kill', 'user', 'store');
  await vi.waitFor(
    () =>
      expect(store.users.get('alice')).rejects.toMatchObject({
        code: 'UNAVAILABLE',
        message: expect.stringContaining('mend [store] user and password'),
        publicMessage: 'the store cannot be reached now',
        retryAfter: 1,
      }),
    { timeout },
  );
});

test("TLS requires the certificate that signed the server's", async () => {
  const ca = readFileSync(secured().certificate?.crt ?? '', 'utf8');
  const { redis } = await connectTo(secured().url, { tls: { ca } });
  expect(await redis.run({ args: ['PING'] })).toBe('PONG');
  const { redis: distrustful } = await connectTo(secured().url);
  await expect(distrustful.run({ args: ['PING'] })).rejects.toMatchObject({
    code: 'UNAVAILABLE',
    message: expect.stringMatching(/is not trusted \([A-Z_]+\): name what signs it in \[store\] ca/),
  });
  const { redis: plain } = await connectTo(secured().url.replace('rediss', 'redis'), { timeoutMs: 300 });
  expect(plain.state()).toBe('unreachable');
});

test('rejects a database that does not exist', async () => {
  await expect(connectTo(`${server().url}/99`)).rejects.toMatchObject({
    code: 'CONFIG',
    message: expect.stringContaining('has no such database'),
  });
});

test('rejects a single server as a cluster, and a node of a cluster as a single server', async () => {
  const { port } = server();
  const url = server().url.replace('redis:', 'redis+cluster:');
  await expect(connectTo(url)).rejects.toMatchObject({
    code: 'CONFIG',
    message: `Redis at 127.0.0.1:${port} is a standalone server, not a cluster one: see the forms of [store] url`,
  });
  const node = cluster().servers[0]?.url ?? '';
  await expect(connectTo(node)).rejects.toThrow('is a cluster server, not a standalone one');
});

/** A server with these replies in RESP to commands. */
async function startServer(replyTo: (name: string, args: readonly string[]) => string) {
  const listening = createServer((socket) => {
    socket.on('data', (data) => {
      for (const command of String(data)
        .split(/^\*\d+\r\n/m)
        .slice(1)) {
        const [name = '', ...args] = [...command.matchAll(/^\$\d+\r\n(.*)\r\n/gm)].map(
          ([, word = '']) => word,
        );
        socket.write(`${replyTo(name.toUpperCase(), args)}\r\n`);
      }
    });
  });
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void listening.close());
  return `127.0.0.1:${Object(listening.address()).port}`;
}
const hello = (version: string) => {
  const pairs = ['version', version, 'mode', 'standalone', 'role', 'master'];
  return `%3\r\n${pairs.map((word) => `+${word}`).join('\r\n')}`;
};
const unknown = (name: string, args: readonly string[]) =>
  `-ERR unknown command \`${name}\`, with args beginning with: ${args.map((arg) => `\`${arg}\`, `).join('')}`;

test('rejects Redis 6 by its version', async () => {
  const address = await startServer(() => hello('6.2.14'));
  await expect(connectTo(`redis://${address}`)).rejects.toMatchObject({
    code: 'CONFIG',
    message: expect.stringContaining('is version 6.2.14: swob needs Redis 7 or later'),
  });
});

test('rejects Redis 5, which has no HELLO', async () => {
  // The client says that it continues with the older protocol.
  const warn = vi.spyOn(console, 'warn').mockReturnValue();
  onTestFinished(() => warn.mockRestore());
  const address = await startServer((name, args) => (name === 'HELLO' ? unknown(name, args) : '+OK'));
  const connecting = connectTo(`redis://:hunter2@${address}`);
  await expect(connecting).rejects.toMatchObject({
    code: 'CONFIG',
    message: `Redis at ${address} does not know HELLO: swob needs Redis 7 or later`,
  });
});

test('quotes no arguments of a command that the server does not know', async () => {
  const address = await startServer((name, args) => {
    if (name === 'HELLO') return hello('7.0.0');
    return ['PING', 'CLIENT'].includes(name) ? '+OK' : unknown(name, args);
  });
  const { redis, log } = await connectTo(`redis://${address}`);
  const error: unknown = await redis
    .run({ key: 'a', args: ['SET', 'a', 'hunter2'] })
    .catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({
    code: 'INTERNAL',
    message: `Redis at ${address} refuses a command: ERR unknown command \`SET`,
  });
  expect(inspect(error) + JSON.stringify(log.lines)).not.toContain('hunter2');
});

test('a port that does not speak Redis is reported as unreachable, in time', async () => {
  const silent = createServer(() => undefined);
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void silent.close());
  const { redis } = await connectTo(`redis://127.0.0.1:${Object(silent.address()).port}`, { timeoutMs: 100 });
  expect(redis.state()).toBe('unreachable');
});
