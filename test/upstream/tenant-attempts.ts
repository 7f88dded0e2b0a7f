// What a developer may attempt at the broker to read the SMS of another or to use up resources; each is refused.

import type { Channel } from 'amqplib';
import {
  developerExchangeName,
  exchangeName,
  networkRoutingKey,
  queueName,
  routingKey,
} from '../../src/domain/outgoing/broker-names.ts';

export const [alice, bob] = ['alice', 'bob'];
export const operator = 'MTN Cameroon';

export const own = queueName(alice, operator);
export const others = queueName(bob, operator);
export const othersKey = routingKey(bob, operator);
const deadLetter = (exchange: string, deadLetterRoutingKey: string) => ({
  durable: true,
  deadLetterExchange: exchange,
  deadLetterRoutingKey,
});

/** Attempts to read or steal SMS. */
export const reading: [string, (phone: Channel) => Promise<unknown>][] = [
  ['every key', (phone) => phone.bindQueue(own, exchangeName, '#')],
  ['every first word', (phone) => phone.bindQueue(own, exchangeName, `*.${operator}`)],
  ['no key at all', (phone) => phone.bindQueue(own, exchangeName, '')],
  ["another's key", (phone) => phone.bindQueue(own, exchangeName, othersKey)],
  ["another's keys", (phone) => phone.bindQueue(own, exchangeName, `${bob}_OUTGOING_SMS.*`)],
  [
    'a longer name than its own',
    (phone) => phone.bindQueue(own, exchangeName, `${alice}_OUTGOING_SMS2.${operator}`),
  ],
  [
    'its own key in another place',
    (phone) => phone.bindQueue(own, exchangeName, `#.${routingKey(alice, operator)}`),
  ],
  ["to bind another's queue", (phone) => phone.bindQueue(others, exchangeName, routingKey(alice, operator))],
  ["to unbind another's queue", (phone) => phone.unbindQueue(others, exchangeName, othersKey)],
  ["to consume another's queue", (phone) => phone.consume(others, () => undefined)],
  ["to get from another's queue", (phone) => phone.get(others)],
  ["to purge another's queue", (phone) => phone.purgeQueue(others)],
  ["to delete another's queue", (phone) => phone.deleteQueue(others)],
  ['an exchange of its own for every key', (phone) => bindExchange(phone, exchangeName, '#')],
  ["an exchange of its own for another's key", (phone) => bindExchange(phone, exchangeName, othersKey)],
  ['the events of the broker', (phone) => phone.bindQueue(own, 'amq.rabbitmq.trace', '#')],
  ['what others publish elsewhere', (phone) => phone.bindQueue(own, 'amq.topic', '#')],
];

/** Attempts to write, or to use up resources. */
export const writing: [string, (phone: Channel) => Promise<unknown>][] = [
  ['to publish to the exchange', (phone) => publish(phone, exchangeName, routingKey(alice, operator))],
  ["to publish another's SMS", (phone) => publish(phone, exchangeName, othersKey)],
  ['to publish without a key', (phone) => publish(phone, exchangeName, '')],
  ["to publish to another's queue", (phone) => publish(phone, '', others)],
  ['to publish to its own queue by the default exchange', (phone) => publish(phone, '', own)],
  ['to publish to amq.topic', (phone) => publish(phone, 'amq.topic', othersKey)],
  ["to declare another's queue", (phone) => phone.assertQueue(`${others}2`, { durable: true })],
  ['to declare a queue of another name', (phone) => phone.assertQueue('q', { durable: true })],
  ['to declare a queue whose name only holds its own', (phone) => phone.assertQueue(`x${own}`)],
  ['to declare a queue without a name', (phone) => phone.assertQueue('', { exclusive: true })],
  ['to declare an exchange', (phone) => phone.assertExchange('x', 'fanout')],
  ['to delete the exchange', (phone) => phone.deleteExchange(exchangeName)],
  [
    'dead letters into the exchange',
    (phone) => phone.assertQueue(`${own}2`, deadLetter(exchangeName, othersKey)),
  ],
  ["dead letters into another's queue", (phone) => phone.assertQueue(`${own}2`, deadLetter('', others))],
  [
    'an alternate exchange that publishes',
    (phone) => phone.assertExchange(`${own}2`, 'fanout', { alternateExchange: exchangeName }),
  ],
  [
    "an exchange of its own that feeds another's queue",
    async (phone) => {
      await phone.assertExchange(`${own}2`, 'fanout');
      await phone.bindQueue(others, `${own}2`, '');
    },
  ],
  [
    'an exchange of its own that feeds the exchange',
    (phone) => bindExchange(phone, `${own}2`, '', exchangeName),
  ],
];

const [ownExchange, othersExchange] = [developerExchangeName(alice), developerExchangeName(bob)];
const othersNetworkKey = networkRoutingKey(bob, '237', '62401');
const topic = { durable: true };

/** Attempts of a phone with DekuSMS, which declares exchanges. */
export const declaring: [string, (phone: Channel) => Promise<unknown>][] = [
  ["to declare another's exchange", (phone) => phone.assertExchange(othersExchange, 'topic', topic)],
  ['to declare the exchange of all', (phone) => phone.assertExchange(exchangeName, 'topic', topic)],
  ["to bind another's exchange", (phone) => phone.bindQueue(own, othersExchange, othersNetworkKey)],
  ["to bind another's exchange with every key", (phone) => phone.bindQueue(own, othersExchange, '#')],
  ["to bind another's queue", (phone) => phone.bindQueue(others, ownExchange, '#')],
  ["to publish in another's exchange", (phone) => publish(phone, othersExchange, othersNetworkKey)],
  ['to publish in its own', (phone) => publish(phone, ownExchange, networkRoutingKey(alice, '237', '62401'))],
  ["to delete another's exchange", (phone) => phone.deleteExchange(othersExchange)],
  ["to feed its own from another's", (phone) => phone.bindExchange(ownExchange, othersExchange, '#')],
  [
    'to feed its own from the exchange of all',
    (phone) => phone.bindExchange(ownExchange, exchangeName, routingKey(alice, operator)),
  ],
  ["to feed another's from its own", (phone) => phone.bindExchange(othersExchange, ownExchange, '#')],
  [
    "an alternate exchange that is another's",
    (phone) => phone.assertExchange(`${own}2`, 'topic', { alternateExchange: othersExchange }),
  ],
];

/** The broker's only response to a refused publish is to close the channel. */
function publish(phone: Channel, exchange: string, to: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    phone.once('error', reject);
    phone.publish(exchange, to, Buffer.from('{"text":"evil","number":"+237650000002"}'));
    phone.checkExchange(exchange || 'amq.direct').then(resolve, reject);
  });
}

async function bindExchange(
  phone: Channel,
  source: string,
  by: string,
  destination = `${own}-x`,
): Promise<void> {
  for (const name of [source, destination])
    if (name !== exchangeName) await phone.assertExchange(name, 'fanout');
  await phone.bindExchange(destination, source, by);
}
