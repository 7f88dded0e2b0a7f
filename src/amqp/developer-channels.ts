// Publishes to the exchanges of developers, over a channel for each: RabbitMQ closes a channel on an error, and a developer
// may delete its exchange or declare it differently at any time. Used by connection.ts.

import type { ChannelModel, ConfirmChannel, Message, Options } from 'amqplib';
import type { Clock, Log } from '../domain/shared/ports.ts';
import { createTtlCache } from '../lib/ttl-cache.ts';
import { amqpFailure } from './address.ts';

/** Open channels, beside those with unconfirmed messages. */
const maxChannels = 200;
/** How long a refused exchange is not tried again. */
const refusedTtlMs = 60_000;
const maxRefused = 10_000;

export interface Publication {
  readonly key: string;
  readonly body: Buffer;
  readonly options: Options.Publish;
  /** Called once, when the broker has settled the message or the channel has closed. */
  onConfirm(error: unknown): void;
  /** Checked before the message is written: whether its sender has stopped waiting. */
  isAbandoned(): boolean;
}

export interface DeveloperChannels {
  /**
   * Declares the exchange (topic, durable) and publishes. `refused`: the broker refuses to declare it, so that no phone can be
   * bound to it as DekuSMS binds, and the message is not written. Rejects when the connection is lost before it is written.
   */
  publish(exchange: string, publication: Publication): Promise<'written' | 'refused' | 'abandoned'>;
}

export interface DeveloperChannelsOptions {
  readonly model: Pick<ChannelModel, 'createConfirmChannel'>;
  readonly clock: Pick<Clock, 'monotonic'>;
  readonly log: Log;
  onReturn(message: Message): void;
}

interface DeveloperChannel {
  /** The channel with its exchange declared; undefined when that was refused. */
  readonly opened: Promise<ConfirmChannel | undefined>;
  /** Messages that wait for the channel or for their confirm. */
  messages: number;
  /** A declaration is on its way. */
  declaring: boolean;
}

export function createDeveloperChannels({
  model,
  clock,
  log,
  onReturn,
}: DeveloperChannelsOptions): DeveloperChannels {
  /** By exchange, least recently used first. */
  const channels = new Map<string, DeveloperChannel>();
  const refused = createTtlCache<true>(clock, refusedTtlMs, maxRefused);

  const declare = async (channel: ConfirmChannel, exchange: string): Promise<'declared' | 'refused'> => {
    try {
      await channel.assertExchange(exchange, 'topic', { durable: true });
      return 'declared';
    } catch (error) {
      const { reason } = amqpFailure(error);
      if (!/^40[36] /.test(reason)) throw error;
      refused.set(exchange, true);
      log.warn(
        { exchange, reason },
        "cannot use the exchange of a developer: its SMS go to phones on DEKU_CLUSTER_SMS only; delete it if it is not of type topic and durable, or grant swob's user permission to configure it",
      );
      return 'refused';
    }
  };

  const open = async (exchange: string, onClose: () => void): Promise<ConfirmChannel | undefined> => {
    const channel = await model.createConfirmChannel();
    channel.on('error', () => undefined).on('return', onReturn);
    channel.once('close', onClose);
    return (await declare(channel, exchange)) === 'declared' ? channel : undefined;
  };

  const closeIdle = (): void => {
    for (const [exchange, { messages, opened }] of channels) {
      if (channels.size < maxChannels) return;
      if (messages > 0) continue;
      channels.delete(exchange);
      void opened.then((channel) => channel?.close()).catch(() => undefined);
    }
  };

  const acquire = (exchange: string): DeveloperChannel => {
    const known = channels.get(exchange);
    if (known) {
      channels.delete(exchange);
      channels.set(exchange, known);
      return known;
    }
    closeIdle();
    const forget = (): void => {
      if (channels.get(exchange) === channel) channels.delete(exchange);
    };
    const channel = { opened: open(exchange, forget), messages: 0, declaring: false };
    channel.opened.catch(forget);
    channels.set(exchange, channel);
    return channel;
  };

  /** Not awaited: the broker handles it before the messages that follow. */
  const declareAgain = (entry: DeveloperChannel, channel: ConfirmChannel, exchange: string): void => {
    if (entry.declaring) return;
    entry.declaring = true;
    const done = (): void => {
      entry.declaring = false;
    };
    declare(channel, exchange).then(done, done);
  };

  return {
    publish: async (exchange, { key, body, options, onConfirm, isAbandoned }) => {
      if (refused.get(exchange)) return 'refused';
      const entry = acquire(exchange);
      entry.messages += 1;
      let isWritten = false;
      try {
        const channel = await entry.opened;
        if (!channel) return 'refused';
        if (isAbandoned()) return 'abandoned';
        declareAgain(entry, channel, exchange);
        channel.publish(exchange, key, body, options, (error: unknown) => {
          entry.messages -= 1;
          onConfirm(error);
        });
        isWritten = true;
        return 'written';
      } finally {
        if (!isWritten) entry.messages -= 1;
      }
    },
  };
}
