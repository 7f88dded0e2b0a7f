// The channels of the clients of a store that one process owns: a message reaches every client that subscribes. Used by owner.ts.

import { SwobError } from '../../errors.ts';
import { maxChannels, maxUnsentWeight } from './bounds.ts';
import type { OwnerChannels } from './calls.ts';
import { channelItem, lostItem, type MessageBatch, type OwnerItem } from './messages.ts';

export interface ChannelHub {
  /** The channels as one client uses them, whose messages go into its batch. */
  join(batch: () => MessageBatch<OwnerItem>): { readonly channels: OwnerChannels; leave(): void };
}

interface Member {
  readonly deliver: (channel: string, text: string) => void;
}

export function createChannelHub(): ChannelHub {
  const members = new Map<string, Set<Member>>();

  const unsubscribe = (member: Member, channel: string): void => {
    const subscribers = members.get(channel);
    subscribers?.delete(member);
    if (subscribers?.size === 0) members.delete(channel);
  };

  return {
    join: (batch) => {
      const subscribed = new Set<string>();
      let hasLost = false;
      const deliver = (channel: string, text: string): void => {
        const weight = text.length + channel.length + 10;
        const { unsent, add } = batch();
        // A client that does not read; it is notified once it does, so that it reads what it missed.
        if (unsent + weight > maxUnsentWeight) hasLost = true;
        else {
          if (hasLost) add([lostItem], 10);
          hasLost = false;
          add([channelItem, channel, text], weight);
        }
      };
      const member: Member = { deliver };
      return {
        channels: {
          publish: async (channel, text) => {
            const subscribers = members.get(channel);
            for (const each of subscribers ?? []) each.deliver(channel, text);
            return subscribers?.size ?? 0;
          },
          subscribe: (channel) => {
            if (subscribed.size >= maxChannels) {
              throw new SwobError(
                'INTERNAL',
                `a process subscribes to ${maxChannels} channels, which is the maximum`,
              );
            }
            subscribed.add(channel);
            const subscribers = members.get(channel) ?? new Set();
            members.set(channel, subscribers.add(member));
          },
          unsubscribe: (channel) => {
            subscribed.delete(channel);
            unsubscribe(member, channel);
          },
        },
        leave: () => {
          for (const channel of subscribed) unsubscribe(member, channel);
          subscribed.clear();
        },
      };
    },
  };
}
