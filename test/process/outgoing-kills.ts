// What tests of outgoing SMS through kills have in common: the settings of a gateway, every SMS that is published, every callback,
// and what must hold of them in the end. Used by outgoing-kills.test.ts and outgoing-two-nodes.test.ts.

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { connect } from 'amqplib';
import { expect, vi } from 'vitest';
import { createStatusToken } from '../../src/crypto/status-token.ts';
import { signWebhook } from '../../src/crypto/webhook-signature.ts';
import { isObject, parseJson } from '../../src/lib/json.ts';
import { startDeveloperStub } from '../../src/stubs/developer.ts';
import { patient } from '../support/patience.ts';
import { get, post } from '../support/phone.ts';
import type { Rabbit } from '../support/rabbitmq.ts';
import { onEnd } from '../support/teardown.ts';

/** The developer that sends. */
export const authId = 'fire';
export const authKey = 's3cret';
const setup = { id: 'setup', key: 'change-me' };
const callbackSecret = 'whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=';
const statusSecret = '0123456789abcdef0123456789abcdef';
export const statusToken = createStatusToken(statusSecret, authId);

export interface SentMessage {
  readonly id: string;
  readonly state: string;
}

/** `section.key=value` of a gateway that sends for the developer, but for its listener and its store. */
export async function outgoingSettings(
  rabbit: Pick<Rabbit, 'url' | 'managementUrl'>,
): Promise<readonly string[]> {
  const developer = await startDeveloperStub({ host: '127.0.0.1', port: 0 });
  onEnd(() => developer.close());
  return [
    `broker.url=${rabbit.url}`,
    `broker.management_url=${rabbit.managementUrl}`,
    'broker.management_user=guest',
    'broker.management_password=guest',
    `outgoing.setup_id=${setup.id}`,
    `outgoing.setup_key=${setup.key}`,
    'outgoing.callback_allow=127.0.0.1',
    `outgoing.callback_secret=${callbackSecret}`,
    `outgoing.status_secret=${statusSecret}`,
    'outgoing.report_grace=1s',
    'limits.sms=off',
    `dev_api.authentication_url=${developer.url}/v1/authenticate`,
  ];
}

export async function subscribe(url: string): Promise<void> {
  const subscription = { ...setup, auth_id: authId, auth_key: authKey };
  expect((await post(`${url}/v1/subscribe`, subscription)).status).toBe(200);
}

/** The messages of a request, once all are in a final state. */
export async function endedMessages(url: string, uuid: string): Promise<readonly SentMessage[]> {
  const authorization = `Basic ${Buffer.from(`${authId}:${authKey}`).toString('base64')}`;
  const messages = async (): Promise<readonly SentMessage[]> => {
    const { text } = await get(`${url}/v1/sms/${uuid}`, { headers: { authorization } });
    return JSON.parse(text).messages;
  };
  const isEnded = ({ state }: SentMessage): boolean => state !== 'queued' && state !== 'sent';
  await expect
    .poll(async () => (await messages()).filter((each) => !isEnded(each)), { timeout: patient(120_000) })
    .toEqual([]);
  return messages();
}

/** Each message has ended in one state, which its developer has learnt once, and none was published twice. */
export async function expectOneEndEach(
  messages: readonly SentMessage[],
  calls: readonly StateCall[],
  published: readonly PublishedSms[],
): Promise<void> {
  const wrong = () => {
    const states = statesOf(calls);
    return messages.flatMap(({ id, state }) => {
      const got = states.get(id) ?? [];
      const isRight = got.at(-1) === state && (got.length === 1 || (got.length === 2 && got[0] === 'sent'));
      return isRight ? [] : [{ id, state, got }];
    });
  };
  await expect.poll(wrong, { timeout: patient(120_000), interval: 500 }).toEqual([]);
  expect(new Set(messages.map(({ id }) => id)).size).toBe(messages.length);
  expect([...statesOf(calls).keys()].sort()).toEqual(messages.map(({ id }) => id).sort());
  const texts = published.map(({ text }) => text);
  expect(texts.filter((each, at) => texts.indexOf(each) !== at)).toEqual([]);
}

export interface PublishedSms {
  readonly id: number;
  readonly text: string;
}

export interface StateCall {
  readonly webhookId: string;
  readonly type: string;
  readonly message: string;
}

/**
 * Every SMS that RabbitMQ puts into the queue of a second phone of the developer, as often as it was published: what is delivered
 * again after a lost connection does not count. Reconnects, as RabbitMQ is killed.
 */
export async function watchPublished(url: string, exchange: string): Promise<readonly PublishedSms[]> {
  const published: PublishedSms[] = [];
  const queue = 'published';
  let isEnded = false;
  let close = async (): Promise<void> => {};
  const consume = async (): Promise<void> => {
    const connection = await connect(url);
    connection.on('error', () => undefined);
    close = () => connection.close().catch(() => undefined);
    connection.once('close', () => {
      if (!isEnded) void vi.waitFor(consume, { interval: 100 }).catch(() => undefined);
    });
    const channel = await connection.createChannel();
    channel.on('error', () => undefined);
    await channel.assertExchange(exchange, 'topic', { durable: true });
    await channel.assertQueue(queue, { durable: true });
    await channel.bindQueue(queue, exchange, '#');
    await channel.consume(queue, (message) => {
      if (!message) return;
      if (!message.fields.redelivered) published.push(JSON.parse(String(message.content)));
      channel.ack(message);
    });
  };
  await consume();
  onEnd(async () => {
    isEnded = true;
    await close();
  });
  return published;
}

/** A developer's server, which fails every seventeenth callback after it has read it. */
export async function watchCallbacks(): Promise<{
  readonly url: string;
  readonly calls: readonly StateCall[];
}> {
  const calls: StateCall[] = [];
  let count = 0;
  const server = createServer(async (request, response) => {
    let text = '';
    for await (const chunk of request) text += String(chunk);
    const { 'webhook-id': id, 'webhook-timestamp': time, 'webhook-signature': signature } = request.headers;
    const isSigned = signature === signWebhook(callbackSecret, String(id), Number(time), text);
    const body = parseJson(text);
    if (isSigned && isObject(body) && isObject(body.data) && typeof body.type === 'string')
      calls.push({ webhookId: String(id), type: body.type, message: String(body.data.id) });
    response.writeHead(++count % 17 === 0 ? 500 : 204).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onEnd(() => {
    server.close();
    server.closeAllConnections();
  });
  // Safe cast: it listens at a TCP port.
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/states`, calls };
}

/** States of each message as its developer learnt them, each callback once, in the order of arrival. */
function statesOf(calls: readonly StateCall[]): ReadonlyMap<string, readonly string[]> {
  const typeOf = new Map<string, string>();
  const states = new Map<string, string[]>();
  for (const { webhookId, type, message } of calls) {
    const known = typeOf.get(webhookId);
    // A callback that is repeated says the same.
    if (known !== undefined) expect(known).toBe(`${message} ${type}`);
    else states.set(message, [...(states.get(message) ?? []), type.replace('sms.', '')]);
    typeOf.set(webhookId, `${message} ${type}`);
  }
  return states;
}
