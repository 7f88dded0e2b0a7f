// A gateway with a real RabbitMQ for tests of outgoing SMS, and a subscribed developer for each test.

import { type Channel, connect } from 'amqplib';
import { expect, onTestFinished } from 'vitest';
import { startMessaging } from '../support/messaging.ts';
import { post, type TextResponse } from '../support/phone.ts';
import type { Rabbit } from '../support/rabbitmq.ts';

export const setup = { id: 'setup', key: 'change-me' };
export const number = '+237650393369';
export const operator = 'MTN Cameroon';

let developers = 0;

export const sms = (text = 'hello', operator_name = operator) => ({ number, text, operator_name });
export const errorsOf = ({
  text,
}: TextResponse): { number: string; operator_name: string; error_message: string }[] =>
  JSON.parse(text).errors;

/** Uses the broker of the test file, from `rabbitForFile`. */
export function outgoingFixture(rabbit: () => Rabbit) {
  /** A gateway that uses the broker, and a subscribed developer that no other test uses. */
  async function startOutgoing(set: readonly string[] = []) {
    const { url, managementUrl } = rabbit();
    const services = await startMessaging({
      set: [
        `broker.url=${url}`,
        `broker.management_url=${managementUrl}`,
        'broker.management_user=guest',
        'broker.management_password=guest',
        `outgoing.setup_id=${setup.id}`,
        `outgoing.setup_key=${setup.key}`,
        ...set,
      ],
    });
    const auth = { auth_id: `dev${process.pid}x${++developers}`, auth_key: 's3cret' };
    const v1 = (path: string, body: unknown, headers?: Record<string, string>) =>
      post(`${services.gateway}/v1/${path}`, body, headers);
    const subscribed = await v1('subscribe', { ...auth, ...setup });
    expect([subscribed.status, subscribed.text]).toEqual([200, '']);
    const { auth_id } = auth;
    return {
      ...services,
      auth,
      v1,
      queue: `${auth_id}_OUTGOING_SMS_${operator}`,
      send: (data: unknown, more: object = {}, headers: Record<string, string> = {}) =>
        v1('sms', { ...auth, data, ...more }, headers),
    };
  }

  type OutgoingServices = Awaited<ReturnType<typeof startOutgoing>>;
  /** A plain AMQP client. */
  async function connectAs(userAndKey: string): Promise<Channel> {
    const { host, port } = rabbit();
    const connection = await connect(`amqp://${userAndKey}@${host}:${port}`);
    // The broker may be killed while the client is connected.
    connection.on('error', () => {});
    onTestFinished(() => connection.close().catch(() => {}));
    return connection.createChannel();
  }

  /** The queue of the developer's gateway phone, declared and bound as today's phones do, with the developer's permissions. */
  async function bindPhone({ auth, queue }: OutgoingServices, name = operator): Promise<void> {
    const channel = await connectAs(`${auth.auth_id}:${auth.auth_key}`);
    const own = queue.replace(operator, name);
    await channel.assertQueue(own, { durable: true });
    await channel.bindQueue(own, 'DEKU_CLUSTER_SMS', `${auth.auth_id}_OUTGOING_SMS.${name}`);
  }

  /** Removes all messages from the queue and returns their texts. */
  async function drain(queue: string): Promise<string[]> {
    const channel = await connectAs('guest:guest');
    const texts: string[] = [];
    for (let got = await channel.get(queue); got; got = await channel.get(queue)) {
      channel.ack(got);
      texts.push(got.content.toString());
    }
    return texts;
  }

  /** Expects the next good SMS to arrive, and no other message. */
  async function expectService(services: OutgoingServices, already: readonly string[] = []): Promise<void> {
    const response = await services.send([sms('service')]);
    expect([response.status, errorsOf(response)]).toEqual([200, []]);
    expect(await drain(services.queue)).toEqual([...already, JSON.stringify({ text: 'service', number })]);
  }

  return { startWorld: startOutgoing, bindPhone, expectService };
}
