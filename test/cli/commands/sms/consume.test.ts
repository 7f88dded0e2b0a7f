import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Channel } from 'amqplib';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { exchangeName, queueName, routingKey } from '../../../../src/domain/outgoing/broker-names.ts';
import { createTenants } from '../../../../src/upstream/rabbitmq-tenants.ts';
import { connectClient, openChannel } from '../../../support/amqp-client.ts';
import { createFakeClock } from '../../../support/fake-clock.ts';
import { temporaryFolder } from '../../../support/folders.ts';
import { freePort } from '../../../support/ports.ts';
import { rabbitForFile } from '../../../support/rabbitmq.ts';
import { startProxy } from '../../../support/tcp-proxy.ts';
import { type Cli, type CliOptions, createCli } from '../../harness.ts';

const rabbit = rabbitForFile();
const [authId, operator, key] = ['dev1', 'MTN Cameroon', 'kéy: /%'];
const queue = queueName(authId, operator);
const who = ['--operator', operator, '--auth-id', authId];

const withKey = (options: CliOptions = {}): Cli => createCli({ env: { SWOB_AUTH_KEY: key }, ...options });
const consume = (cli: Cli, ...options: string[]): Promise<number> =>
  cli.swob('sms', 'consume', ...who, '--url', `amqp://127.0.0.1:${rabbit().port}`, ...options);

const tenants = () =>
  createTenants({
    managementUrl: rabbit().managementUrl,
    user: 'guest',
    password: 'guest',
    tags: [],
    brokerUrl: rabbit().url,
    timeoutMs: 10_000,
    clock: createFakeClock(),
  });

/** A channel with the credentials of swob. */
const channel = async (): Promise<Channel> => openChannel(await connectClient(rabbit().url));

async function publish(...texts: string[]): Promise<void> {
  const own = await channel();
  for (const text of texts) {
    own.publish(exchangeName, routingKey(authId, operator), Buffer.from(text), { persistent: true });
  }
  await own.close();
}

const sms = (text: string, number = '+237650000001'): string => JSON.stringify({ text, number });

const waiting = async (): Promise<number> => (await (await channel()).checkQueue(queue)).messageCount;

/** Subscribes the developer and empties its queue, as after an earlier run. */
beforeEach(async () => {
  await tenants().unsubscribe(authId);
  await tenants().subscribe(authId, key);
  const own = await channel();
  await own.assertQueue(queue, { durable: true });
  await own.bindQueue(queue, exchangeName, routingKey(authId, operator));
});

describe('swob sms consume', () => {
  test('declares and binds its queue, and prints messages until a signal', async () => {
    await (await channel()).deleteQueue(queue);
    const cli = withKey();
    const exit = consume(cli);
    await cli.err.until(`consuming ${queue}\n`);
    await publish(sms('hello\tthere\n\u001b[31m'), sms('two'));
    await cli.out.until('two');
    expect(cli.out.text).toBe('+237650000001\thello there \n+237650000001\ttwo\n');
    cli.signals.emit('SIGTERM');
    expect(await exit).toBe(143);
    expect(await waiting()).toBe(0);
    expect(cli.err.text).toBe(`consuming ${queue}\n`);
  });

  test('with --count consumes exactly that many, as JSON of only text and number', async () => {
    await publish('{"number":"+1","text":"a\\u0000","more":1}', sms('b'), sms('c'), sms('d'));
    const cli = withKey();
    expect(await consume(cli, '--count', '2', '--json', '-q')).toBe(0);
    expect(cli.out.text).toBe('{"text":"a\\u0000","number":"+1"}\n{"text":"b","number":"+237650000001"}\n');
    expect(cli.err.text).toBe('');
    expect(await waiting()).toBe(2);
  });

  test('with --timeout exits with 75 when too few messages arrived', async () => {
    const clock = createFakeClock();
    const cli = withKey({ clock });
    const exit = consume(cli, '--count', '2', '--timeout', '30s');
    await publish(sms('one'));
    await cli.out.until('one');
    clock.advance(29_999);
    expect(await waiting()).toBe(0);
    clock.advance(1);
    expect(await exit).toBe(75);
    expect(cli.err.text).toContain('swob: only 1 of 2 SMS arrived in time\n');
  });

  test('with --timeout alone exits with 0', async () => {
    const clock = createFakeClock();
    const cli = withKey({ clock });
    const exit = consume(cli, '--timeout', '30s');
    await cli.err.until('consuming');
    clock.advance(30_000);
    expect(await exit).toBe(0);
  });

  test.each([
    ['no JSON', 'hello'],
    ['no object', 'null'],
    ['no number', '{"text":"x"}'],
    ['a text that is none', '{"text":1,"number":"+1"}'],
    ['no UTF-8', Buffer.from([0x22, 0xff, 0x22])],
  ])('drops a message that is not an SMS, with a warning: %s', async (_what, content) => {
    const own = await channel();
    own.publish(exchangeName, routingKey(authId, operator), Buffer.from(content));
    await own.close();
    await publish(sms('good'));
    const cli = withKey();
    expect(await consume(cli, '--count', '1', '-q')).toBe(0);
    expect(cli.out.text).toBe('+237650000001\tgood\n');
    expect(cli.err.text).toBe(
      'swob: dropped a message that is not an SMS: expected JSON with text and number\n',
    );
    expect(await waiting()).toBe(0);
  });

  test('requeues a message that it could not print, and ends', async () => {
    await publish(sms('lost?'));
    const cli = withKey();
    const exit = consume(cli);
    cli.out.destroy(Object.assign(new Error('broken pipe'), { code: 'EPIPE' }));
    expect(await exit).toBe(0);
    await vi.waitFor(async () => expect(await waiting()).toBe(1));
  });

  test('continues when the broker is up again', async () => {
    const broker = await startProxy(rabbit().port);
    const cli = withKey();
    const exit = consume(cli, '--url', `amqp://127.0.0.1:${broker.port}`);
    await cli.err.until('consuming');
    await publish(sms('before'));
    await cli.out.until('before');
    await broker.refuse();
    await cli.err.until('reconnecting');
    await broker.reconnect();
    await publish(sms('after'));
    await cli.out.until('after');
    cli.signals.emit('SIGTERM');
    expect(await exit).toBe(143);
    expect(cli.err.text).toMatch(
      /^(consuming .*)\nlost the connection to the broker \((ECONNRESET|the connection was closed)\); reconnecting\n\1\n$/,
    );
  });

  test('declares its queue again after another client deleted it', async () => {
    const cli = withKey();
    const exit = consume(cli, '--count', '1');
    await cli.err.until('consuming');
    await (await channel()).deleteQueue(queue);
    await cli.err.until(`reconnecting\nconsuming ${queue}\n`);
    await publish(sms('still here'));
    expect(await exit).toBe(0);
  });

  test('exits with 1 when the developer is unsubscribed meanwhile', async () => {
    const cli = withKey();
    const exit = consume(cli);
    await cli.err.until('consuming');
    await tenants().unsubscribe(authId);
    expect(await exit).toBe(1);
    expect(cli.err.text).toContain(`rejects auth id ${authId} with this key`);
  });
});

describe('swob sms consume finds the broker', () => {
  test('at [broker] url, without using its credentials', async () => {
    await publish(sms('one'));
    const file = join(temporaryFolder(), 'conf.ini');
    writeFileSync(file, `[broker]\nurl = amqp://guest:wrong@127.0.0.1:${rabbit().port}\n`);
    const cli = withKey({ stdin: `${key}\n`, env: {} });
    const options = ['--auth-key', '-', '--count', '1'];
    expect(await cli.swob('-c', file, 'sms', 'consume', ...who, ...options)).toBe(0);
    expect(cli.out.text).toBe('+237650000001\tone\n');
  });

  test('nowhere when none is configured', async () => {
    const cli = withKey();
    expect(await cli.swob('sms', 'consume', ...who)).toBe(78);
    expect(cli.err.text).toContain('no broker configured');
  });
});

describe('swob sms consume ends', () => {
  test('with 1 for a wrong key', async () => {
    const cli = withKey({ env: { SWOB_AUTH_KEY: 'wr0ng' } });
    expect(await consume(cli, '--json')).toBe(1);
    expect(JSON.parse(cli.err.text)).toMatchObject({ error: { code: 'UNAUTHENTICATED' } });
    expect(cli.err.text).not.toContain('wr0ng');
  });

  test("with 1 for a vhost that is not the developer's", async () => {
    const cli = withKey();
    expect(await consume(cli, '--json', '--url', `amqp://127.0.0.1:${rabbit().port}/nowhere`)).toBe(1);
    expect(JSON.parse(cli.err.text)).toMatchObject({ error: { code: 'FORBIDDEN' } });
  });

  test('with 1 where the developer has no rights', async () => {
    await rabbit().manage('PUT', `permissions/%2F/${authId}`, { configure: '^$', write: '^$', read: '^$' });
    const cli = withKey();
    expect(await consume(cli, '--json')).toBe(1);
    expect(JSON.parse(cli.err.text)).toMatchObject({ error: { code: 'FORBIDDEN' } });
  });

  test('with 69 for a queue that exists with other arguments', async () => {
    const own = await channel();
    await own.deleteQueue(queue);
    await own.assertQueue(queue, { durable: true, maxLength: 5 });
    const cli = withKey();
    expect(await consume(cli)).toBe(69);
    expect(cli.err.text).toContain('rejects the queue (406 PRECONDITION-FAILED)');
  });

  test('with 69 when there is no broker', async () => {
    const url = `amqp://127.0.0.1:${await freePort()}`;
    const cli = withKey();
    expect(await consume(cli, '--url', url, '--count', '1')).toBe(69);
    expect(cli.err.text).toContain(`cannot connect to the broker at ${url.slice(7)} (ECONNREFUSED)`);
  });

  test('with 69 when --timeout expires before the broker responds', async () => {
    rabbit().freeze();
    const clock = createFakeClock();
    const cli = withKey({ clock });
    const exit = consume(cli, '--count', '1', '--timeout', '5s');
    await vi.waitFor(() => expect(clock.pending).toBe(1));
    clock.advance(5_000);
    expect(await exit).toBe(69);
    rabbit().thaw();
  });

  test('immediately on a signal while it connects', async () => {
    rabbit().freeze();
    const cli = withKey();
    const exit = consume(cli, '--timeout', '5s');
    await vi.waitFor(() => expect(cli.signals.listenerCount('SIGINT')).toBe(1));
    cli.signals.emit('SIGINT');
    expect(await exit).toBe(130);
    rabbit().thaw();
  });

  test.each([
    [['--operator', operator]],
    [['--auth-id', authId]],
    [['--operator', 'a.b', '--auth-id', authId]],
    [['--operator', '#', '--auth-id', authId]],
    [['--operator', operator, '--auth-id', 'a b']],
    [['--operator', operator, '--auth-id', `${authId}_OUTGOING_SMS`]],
    [[...who, '--count', '0']],
    [[...who, '--count', '1.5']],
    [[...who, '--timeout', '0']],
    [[...who, '--timeout', 'soon']],
    [[...who, '--url', 'http://localhost']],
    [[...who, '--url', 'localhost:5672']],
    [[...who, '--url', 'amqp://me:hidden@localhost']],
  ])('with 64 for %j', async (options) => {
    const cli = withKey();
    expect(await cli.swob('sms', 'consume', ...options)).toBe(64);
    expect(cli.err.text).not.toContain('hidden');
  });
});
