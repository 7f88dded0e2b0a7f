// `swob sms consume --phone deku`, which acts as a phone with DekuSMS, on a real RabbitMQ.

import { beforeEach, describe, expect, test, vi } from 'vitest';
import { developerExchangeName } from '../../../../src/domain/outgoing/broker-names.ts';
import { createTenants } from '../../../../src/upstream/rabbitmq-tenants.ts';
import { connectClient, openChannel } from '../../../support/amqp-client.ts';
import { createFakeClock } from '../../../support/fake-clock.ts';
import { rabbitForFile } from '../../../support/rabbitmq.ts';
import { type Cli, type CliOptions, createCli } from '../../harness.ts';

const rabbit = rabbitForFile();
const [authId, key] = ['dev1', 's3cret'];
const exchange = developerExchangeName(authId);
const queue = `${exchange}_237_62401`;
const binding = `${exchange}.237.62401`;

const withKey = (options: CliOptions = {}): Cli => createCli({ env: { SWOB_AUTH_KEY: key }, ...options });
const consume = (cli: Cli, ...options: string[]): Promise<number> => {
  const who = ['--auth-id', authId, '--phone', 'deku', '--url', `amqp://127.0.0.1:${rabbit().port}`];
  return cli.swob('sms', 'consume', ...who, ...options);
};
const openGuest = async () => openChannel(await connectClient(rabbit().url));

async function publish(...bodies: (string | Buffer)[]): Promise<void> {
  const channel = await openGuest();
  for (const body of bodies) channel.publish(exchange, binding, Buffer.from(body), { persistent: true });
  await channel.close();
}

const body = (members: object): string =>
  JSON.stringify({ text: 'hi', to: '+237650000001', sid: '1', id: 7, ...members });

/** A subscribed developer without its exchange, and an empty queue that a phone declared earlier. */
beforeEach(async () => {
  const tenants = createTenants({
    managementUrl: rabbit().managementUrl,
    user: 'guest',
    password: 'guest',
    tags: [],
    brokerUrl: rabbit().url,
    timeoutMs: 10_000,
    clock: createFakeClock(),
  });
  await tenants.unsubscribe(authId);
  await tenants.subscribe(authId, key);
});

async function bindQueue(): Promise<void> {
  const channel = await openGuest();
  await channel.assertQueue(queue, { durable: true });
  await channel.bindQueue(queue, exchange, binding);
}

describe('swob sms consume --phone deku', () => {
  test('declares its exchange and queue, and prints SMS as texts or as JSON of exactly the four members', async () => {
    await (await openGuest()).deleteExchange(exchange);
    const cli = withKey();
    const exit = consume(cli, '--binding', binding, '--count', '2');
    await cli.err.until(`consuming ${queue}\n`);
    await publish(body({ text: 'one' }), body({ text: 'two' }));
    expect(await exit).toBe(0);
    expect(cli.out.text).toBe('+237650000001\tone\n+237650000001\ttwo\n');
    await publish(body({ id: -2_147_483_648 }));
    const json = withKey();
    expect(await consume(json, '--binding', binding, '--count', '1', '--json', '-q')).toBe(0);
    expect(json.out.text).toBe('{"text":"hi","to":"+237650000001","sid":"1","id":-2147483648}\n');
  });

  test('without --binding gets all SMS of the developer', async () => {
    const cli = withKey();
    const exit = consume(cli, '--count', '1');
    await cli.err.until(`consuming ${exchange}_#\n`);
    await publish(body({}));
    expect(await exit).toBe(0);
  });

  test('drops what DekuSMS cannot decode, with a warning', async () => {
    await bindQueue();
    const malformed = [
      'hello',
      'null',
      '[]',
      '{"text":"hi","number":"+237650000001"}',
      body({ more: 1 }),
      body({ id: undefined }),
      body({ id: '7' }),
      body({ id: 1.5 }),
      body({ id: 2_147_483_648 }),
      body({ id: null }),
      body({ sid: 1 }),
      body({ text: null }),
      body({ to: 237_650_000_001 }),
      `\ufeff${body({})}`,
      `${body({})}x`,
    ];
    await publish(...malformed, body({ text: 'good' }));
    const cli = withKey();
    expect(await consume(cli, '--binding', binding, '--count', '1', '-q')).toBe(0);
    expect(cli.out.text).toBe('+237650000001\tgood\n');
    const warning =
      'swob: dropped a message that DekuSMS cannot decode: expected JSON with exactly the texts text, to, sid';
    expect(cli.err.text.split(warning)).toHaveLength(malformed.length + 1);
    expect(await (await openGuest()).checkQueue(queue)).toMatchObject({ messageCount: 0 });
  });

  test('requeues an SMS whose sid is not a whole number, again and again', async () => {
    await bindQueue();
    await publish(body({ sid: 'sim1' }));
    const clock = createFakeClock();
    const cli = withKey({ clock });
    const exit = consume(cli, '--binding', binding, '--count', '1');
    await cli.err.until('requeued an SMS whose sid is not a whole number');
    for (let n = 0; n < 3; n += 1) {
      await vi.waitFor(() => expect(clock.pending).toBe(1));
      clock.advance(1_000);
    }
    await vi.waitFor(() => expect(clock.pending).toBe(1));
    cli.signals.emit('SIGTERM');
    expect(await exit).toBe(143);
    expect(cli.err.text.split('requeued')).toHaveLength(2);
    expect(cli.out.text).toBe('');
    await vi.waitFor(async () => {
      expect(await (await openGuest()).checkQueue(queue)).toMatchObject({ messageCount: 1 });
    });
  });

  test.each([
    [['--operator', 'MTN']],
    [['--binding', 'dev2_OUTGOING_SMS.#']],
    [['--binding', '#']],
    [['--binding', exchange]],
    [['--phone', 'fax']],
    [['--phone', 'gateway-client', '--operator', 'MTN', '--binding', binding]],
    [['--phone', 'gateway-client']],
  ])('exits with 64 for %j', async (options) => {
    const cli = withKey();
    expect(await consume(cli, ...options)).toBe(64);
  });
});
