// Who may connect to Redis, and to what: passwords, users, certificates, and servers of another kind.

import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { expect, onTestFinished, test, vi } from 'vitest';
import { redisForFile } from '../support/redis.ts';
import { connectTo } from '../support/redis-client.ts';
import { clusterForFile } from '../support/redis-cluster.ts';
import { openRedisStore } from './redis-support.ts';

const secret = 'hunter2 @/ü';
const server = redisForFile({ password: secret });
const secured = redisForFile({ tls: true });
const cluster = clusterForFile();
const timeout = 15_000;

test('the password opens the server, and no line tells it', async () => {
  const { redis, log } = await connectTo(server().url);
  expect(await redis.run({ args: ['PING'] })).toBe('PONG');
  expect(JSON.stringify(log.lines)).not.toContain('hunter2');
});

test('a wrong password, and none, are refused at the start', async () => {
  const { port } = server();
  const wrong = connectTo(`redis://:hunter3@127.0.0.1:${port}`);
  await expect(wrong).rejects.toMatchObject({
    code: 'CONFIG',
    message: `Redis at 127.0.0.1:${port} refuses our user or password: mend [store] user and password`,
    forClients: 'the store cannot be reached now',
  });
  await expect(connectTo(`redis://127.0.0.1:${port}`)).rejects.toMatchObject({
    code: 'CONFIG',
    message: `Redis at 127.0.0.1:${port} wants a password: set [store] password`,
  });
});

test('a user does what its rights allow', async () => {
  await server().cli('acl', 'setuser', 'swob', 'on', '>other', '~swob:*', '&*', '+@all', '-flushall');
  const { redis } = await connectTo(`redis://swob:other@127.0.0.1:${server().port}`);
  expect(await redis.run({ key: 'swob:a', args: ['SET', 'swob:a', '1'] })).toBe('OK');
  await expect(redis.run({ args: ['FLUSHALL'] })).rejects.toMatchObject({
    code: 'CONFIG',
    message: expect.stringContaining('give [store] user the right'),
  });
  // A password that is changed while we run: the connection is lost, and not had again.
  await server().cli('acl', 'setuser', 'swob', 'resetpass', '>changed');
  await server().cli('client', 'kill', 'user', 'swob');
  await vi.waitFor(() => expect(redis.run({ args: ['PING'] })).rejects.toMatchObject({ code: 'CONFIG' }), {
    timeout,
  });
});

test('a store whose password is changed while it is open is away, and says what to mend', async () => {
  await server().cli('acl', 'setuser', 'store', 'on', '>first', '~*', '&*', '+@all');
  const url = `redis://store:first@127.0.0.1:${server().port}`;
  const { store } = await openRedisStore({ url });
  expect(await store.users.get('alice')).toBeUndefined();
  await server().cli('acl', 'setuser', 'store', 'resetpass', '>second');
  await server().cli('client', 'kill', 'user', 'store');
  await vi.waitFor(
    () =>
      expect(store.users.get('alice')).rejects.toMatchObject({
        code: 'UNAVAILABLE',
        message: expect.stringContaining('mend [store] user and password'),
        forClients: 'the store cannot be reached now',
        retryAfter: 1,
      }),
    { timeout },
  );
});

test('TLS needs the certificate that signs the server', async () => {
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

test('a database that is not there is refused', async () => {
  await expect(connectTo(`${server().url}/99`)).rejects.toMatchObject({
    code: 'CONFIG',
    message: expect.stringContaining('has no such database'),
  });
});

test('one server is no cluster, and a node of a cluster no single server', async () => {
  const { port } = server();
  const url = server().url.replace('redis:', 'redis+cluster:');
  await expect(connectTo(url)).rejects.toMatchObject({
    code: 'CONFIG',
    message: `Redis at 127.0.0.1:${port} is a standalone server, not a cluster one: see the forms of [store] url`,
  });
  const node = cluster().servers[0]?.url ?? '';
  await expect(connectTo(node)).rejects.toThrow('is a cluster server, not a standalone one');
});

test('Redis 6 is refused by its version', async () => {
  const answer = (...pairs: string[]) =>
    `%${pairs.length / 2}\r\n${pairs.map((word) => `+${word}\r\n`).join('')}`;
  const old = createServer((socket) => {
    socket.on('data', (data) => {
      // One answer for each command, whatever it is.
      for (const _ of String(data).match(/^\*\d+/gm) ?? []) {
        socket.write(answer('version', '6.2.14', 'mode', 'standalone', 'role', 'master'));
      }
    });
  });
  await new Promise<void>((resolve) => old.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void old.close());
  const address = Object(old.address());
  await expect(connectTo(`redis://127.0.0.1:${address.port}`)).rejects.toMatchObject({
    code: 'CONFIG',
    message: expect.stringContaining('is version 6.2.14: swob needs Redis 7 or later'),
  });
});

test('a port where nobody speaks Redis is unreachable, in time', async () => {
  const silent = createServer(() => undefined);
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void silent.close());
  const { redis } = await connectTo(`redis://127.0.0.1:${Object(silent.address()).port}`, { timeoutMs: 100 });
  expect(redis.state()).toBe('unreachable');
});
