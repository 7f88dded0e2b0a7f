// The stub phone, on a real RabbitMQ; a small HTTP server takes its reports.

import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Channel } from 'amqplib';
import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { amqpAddress } from '../../src/amqp/address.ts';
import { choosePhoneBinding, developerExchangeName } from '../../src/domain/outgoing/broker-names.ts';
import { type PhoneStubOptions, type RunningPhoneStub, startPhoneStub } from '../../src/stubs/phone.ts';
import { connectClient, openChannel } from '../support/amqp-client.ts';
import { rabbitForFile } from '../support/rabbitmq.ts';

const rabbit = rabbitForFile();
const exchange = developerExchangeName('dev1');
let channel: Channel;
let nextId: number;
beforeEach(async () => {
  channel = await openChannel(await connectClient(rabbit().url));
  nextId = 1;
});

interface Received {
  readonly path: string;
  readonly token: string | undefined;
  readonly body: Readonly<Record<string, unknown>>;
}

/** Answers with these statuses in order, then with 200. */
async function startGateway(...statuses: number[]) {
  const received: Received[] = [];
  const server = createServer(async (request, response) => {
    const body = await textOf(request);
    received.push({ path: request.url ?? '', token: request.headers.authorization, body: JSON.parse(body) });
    response.writeHead(statuses.shift() ?? 200).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  // Safe cast: it listens at a TCP port.
  const { port } = server.address() as AddressInfo;
  return { received, url: `http://127.0.0.1:${port}/v1/status/dev1` };
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  return text;
}

type Changes = Partial<PhoneStubOptions> & { readonly operator?: string };

async function startPhone({ operator, ...options }: Changes = {}): Promise<RunningPhoneStub> {
  const binding = choosePhoneBinding('dev1', { operator });
  if ('fault' in binding) throw new Error(binding.fault);
  await channel.assertExchange('DEKU_CLUSTER_SMS', 'topic', { durable: true });
  await channel.deleteQueue(binding.queue);
  const phone = await startPhoneStub({
    host: '127.0.0.1',
    port: 0,
    broker: amqpAddress(rabbit().url),
    binding,
    ...options,
  });
  onTestFinished(() => phone.close());
  return phone;
}

function publish(...texts: readonly string[]): void {
  for (const text of texts) {
    const body = { text, to: '+237650000001', sid: '2', id: nextId++ };
    channel.publish(exchange, `${exchange}.237.62401`, Buffer.from(JSON.stringify(body)), {
      persistent: true,
    });
  }
}

const bodies = (phone: RunningPhoneStub): Readonly<Record<string, unknown>>[] =>
  phone.journal.all().map(({ body }) => body);
const statuses = (received: readonly Received[]): unknown[] => received.map(({ body }) => body.status);

describe('a phone that listens as DekuSMS does', () => {
  test('reports sent and delivered, with token, sid and id, and keeps a journal', async () => {
    const gateway = await startGateway();
    const phone = await startPhone({ statusUrl: gateway.url, statusToken: 'dev1.abc' });
    publish('Hello');
    await vi.waitFor(() => expect(gateway.received).toHaveLength(2));
    const report = { type: 'SMS_TYPE_STATUS', sid: '2', id: '1' };
    expect(gateway.received).toEqual(
      ['sent', 'delivered'].map((status) => ({
        path: '/v1/status/dev1',
        token: 'Bearer dev1.abc',
        body: { ...report, status },
      })),
    );
    await vi.waitFor(() =>
      expect(phone.journal.all()).toMatchObject([
        {
          method: 'SMS',
          status: 200,
          body: {
            id: '1',
            sid: '2',
            number: '+237650000001',
            text: 'Hello',
            binding: `${exchange}.#`,
            mode: 'delivered',
            encoding: 'GSM-7',
            parts: 1,
            reported: [{ status: 'sent' }, { status: 'delivered' }],
            lost: [],
          },
        },
      ]),
    );
    expect(await channel.checkQueue(`${exchange}_#`)).toMatchObject({ messageCount: 0 });
  });

  test('follows a scenario: loses, repeats, reorders and contradicts reports, rejects SMS, part by part', async () => {
    const gateway = await startGateway();
    const modes = ['silent', 'failed', 'duplicate', 'reorder', 'contradict', 'reject'] as const;
    const phone = await startPhone({
      statusUrl: gateway.url,
      byPart: true,
      steps: modes.map((mode) => ({ mode, times: 1 })),
    });
    publish(...modes, 'x'.repeat(161));
    await vi.waitFor(() => expect(gateway.received).toHaveLength(1 + 4 + 2 + 3 + 4));
    const of = (id: string): unknown[] =>
      gateway.received
        .filter(({ body }) => body.id === id)
        .map(({ body }) => `${body.status} ${body.part}/${body.parts}`);
    expect(['1', '2', '3', '4', '5', '6', '7'].map(of)).toEqual([
      [],
      ['failed 1/1'],
      ['sent 1/1', 'sent 1/1', 'delivered 1/1', 'delivered 1/1'],
      ['delivered 1/1', 'sent 1/1'],
      ['sent 1/1', 'delivered 1/1', 'failed 1/1'],
      [],
      ['sent 1/2', 'sent 2/2', 'delivered 1/2', 'delivered 2/2'],
    ]);
    expect(bodies(phone).map(({ mode }) => mode)).toEqual([...modes, 'delivered']);
  });

  test('gets an SMS again after it has died, and loses its SMS when it is rejected', async () => {
    const gateway = await startGateway();
    const phone = await startPhone({ statusUrl: gateway.url, steps: [{ mode: 'die', times: 2 }] });
    publish('again');
    await vi.waitFor(() => expect(gateway.received).toHaveLength(2));
    expect(bodies(phone)).toMatchObject([
      { id: '1', mode: 'die', redelivered: false, reported: [] },
      { id: '1', mode: 'die', redelivered: true },
      { id: '1', mode: 'delivered', redelivered: true },
    ]);
  });

  test('loses no SMS that it takes at the same time as the one at which it dies', async () => {
    const gateway = await startGateway();
    const steps = [
      { mode: 'delivered', times: 5 },
      { mode: 'die', times: 1 },
    ] as const;
    await startPhone({ statusUrl: gateway.url, mode: 'sent', prefetch: 20, steps, seed: '1' });
    publish(...Array.from({ length: 40 }, (_, index) => `text ${index}`));
    await vi.waitFor(async () => {
      expect(new Set(gateway.received.map(({ body }) => body.id)).size).toBe(40);
      expect(await channel.checkQueue(`${exchange}_#`)).toMatchObject({ messageCount: 0 });
    });
  });

  test('repeats a report after 5xx, 429 and a refused connection, and none that is refused', async () => {
    const gateway = await startGateway(503, 429, 200, 404);
    const phone = await startPhone({ statusUrl: gateway.url });
    publish('hi');
    await vi.waitFor(() => expect(phone.journal.all()[0]?.status).toBe(404));
    expect(statuses(gateway.received)).toEqual(['sent', 'sent', 'sent', 'delivered']);
    expect(bodies(phone)).toMatchObject([
      {
        reported: [{ status: 'sent', attempts: 3 }],
        lost: [{ status: 'delivered', attempts: 1, answer: 404 }],
      },
    ]);
  });

  test('drops what DekuSMS cannot decode', async () => {
    const phone = await startPhone();
    channel.publish(exchange, `${exchange}.237.62401`, Buffer.from('hello'));
    publish('good');
    await vi.waitFor(() => expect(bodies(phone)).toHaveLength(2));
    expect(bodies(phone)).toMatchObject([{ fault: 'DekuSMS cannot decode it' }, { text: 'good' }]);
  });
});

test('a phone that listens by operator name reports on the message_id', async () => {
  const gateway = await startGateway();
  const phone = await startPhone({ operator: 'MTN', statusUrl: gateway.url, mode: 'sent' });
  const key = 'dev1_OUTGOING_SMS.MTN';
  const sms = Buffer.from(JSON.stringify({ text: 'Привет', number: '+237650000001' }));
  channel.publish('DEKU_CLUSTER_SMS', key, sms, { messageId: '77' });
  channel.publish('DEKU_CLUSTER_SMS', key, sms);
  await vi.waitFor(() => expect(bodies(phone)).toHaveLength(2));
  await vi.waitFor(() => expect(bodies(phone)[1]).toMatchObject({ lost: [{ status: 'sent' }] }));
  expect(gateway.received.map(({ body }) => body)).toEqual([
    { type: 'SMS_TYPE_STATUS', status: 'sent', sid: '77', id: '77' },
  ]);
  expect(bodies(phone)).toMatchObject([{ id: '77', binding: key, encoding: 'UCS-2' }, { binding: key }]);
});

test('a phone with a wrong key does not start', async () => {
  const broker = amqpAddress(rabbit().url.replace('guest:guest', 'dev1:wrong'));
  await expect(startPhone({ broker })).rejects.toMatchObject({ code: 'UNAUTHENTICATED' });
});
