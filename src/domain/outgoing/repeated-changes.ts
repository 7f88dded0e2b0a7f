// Records what became of an attempt to publish an SMS, also when the store fails at that moment. Used by waiting-sms.ts.

import { messageOf } from '../../errors.ts';
import type { Clock, Log } from '../shared/ports.ts';
import type { OutgoingMessage } from './message.ts';
import type { MessageChange, MessageLog } from './message-log.ts';

export interface RepeatedChanges {
  /** As `change` of the message log; while the store fails, it is tried again for some minutes. */
  change(id: string, change: MessageChange): Promise<OutgoingMessage | undefined>;
  /** Tries those that wait once more, and none again. */
  stop(): void;
}

const pauseMs = 1_000;
/** Shorter than the time after which a review takes the attempt for interrupted. */
const maxTries = 300;

export function createRepeatedChanges(deps: {
  readonly messages: Pick<MessageLog, 'change'>;
  readonly clock: Pick<Clock, 'after'>;
  readonly log: Pick<Log, 'debug'>;
}): RepeatedChanges {
  const { messages, clock, log } = deps;
  const pauses = new Set<() => void>();
  let isStopped = false;

  const pause = (): Promise<void> =>
    new Promise((resolve) => {
      const end = (): void => {
        cancel();
        pauses.delete(end);
        resolve();
      };
      const cancel = clock.after(pauseMs, end);
      pauses.add(end);
    });

  return {
    change: async (id, change) => {
      for (let tries = 1; ; tries++) {
        try {
          return await messages.change(id, change);
        } catch (error) {
          if (isStopped || tries >= maxTries) throw error;
          log.debug({ id, reason: messageOf(error) }, 'the state of an outgoing SMS cannot be recorded yet');
        }
        await pause();
      }
    },
    stop: () => {
      isStopped = true;
      for (const end of pauses) end();
    },
  };
}
