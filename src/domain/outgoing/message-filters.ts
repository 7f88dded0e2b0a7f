// Whether an outgoing message has the values that somebody looks for. Used by the stores, the overview of messages and the console.

import type { OutgoingMessage } from './message.ts';
import type { MessageFilters } from './ports.ts';

export function matchesFilters(message: OutgoingMessage, filters: MessageFilters): boolean {
  const { authId, uuid, number, operatorName, state, since = 0 } = filters;
  return (
    (authId === undefined || message.authId === authId) &&
    (uuid === undefined || message.uuid === uuid) &&
    (number === undefined || message.number === number) &&
    (operatorName === undefined || message.operatorName === operatorName) &&
    (state === undefined || message.state === state) &&
    message.times.queued >= since
  );
}
