// Messages to the other end of the channel between the primary and a worker, which may have stopped reading: above a bound, those that
// it can do without are dropped. Used by cluster-process.ts.

import { weightOf } from '../../store/remote/weight.ts';

/** Characters that the other end has not read yet, about. */
export const maxUnread = 4 * 1024 * 1024;

type Write<Message> = (message: Message, written: () => void) => void;

/** @param canMiss whether a message may be dropped; there must be few of the others, or a bound of their own */
export function boundedSend<Message>(
  write: Write<Message>,
  canMiss: (message: Message) => boolean,
): (message: Message, written?: () => void) => void {
  let unread = 0;
  return (message, written) => {
    const weight = weightOf(message);
    if (unread + weight > maxUnread && canMiss(message)) return written?.();
    unread += weight;
    write(message, () => {
      unread -= weight;
      written?.();
    });
  };
}
