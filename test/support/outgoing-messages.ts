// Records of outgoing messages and of SMS that wait. For the tests of the stores.

import type { OutgoingMessage, WaitingSms } from '../../src/domain/outgoing/message.ts';
import type { OutboxEntry } from '../../src/domain/shared/model.ts';

let made = 1_000_000_000;

/** A new message of the developer `dev` with a new id; ids of one millisecond are in the order of the calls. */
export function messageOf(queued: number, changes: Partial<OutgoingMessage> = {}): OutgoingMessage {
  return {
    id: String(++made),
    uuid: '5c4b0b3e-0000-4000-8000-000000000001',
    index: 0,
    authId: 'dev',
    number: '+237650000001',
    operatorName: 'MTN Cameroon',
    encoding: 'GSM-7',
    parts: 1,
    state: 'queued',
    times: { queued },
    handover: 'accepted',
    acceptedAt: queued + 5,
    sentParts: [],
    deliveredParts: [],
    callbacks: { urls: ['https://example.com/callback?é="\u2028'], events: ['sent', 'delivered'] },
    unreported: [],
    revision: 1,
    ...changes,
  };
}

/** The next revision of a message. */
export function nextOf(message: OutgoingMessage, changes: Partial<OutgoingMessage> = {}): OutgoingMessage {
  return { ...message, ...changes, revision: message.revision + 1 };
}

export const waitingSms: OutboxEntry<WaitingSms> = {
  id: '1000000000',
  content: {
    messageId: '1000000000',
    sms: {
      authId: 'dev',
      operatorName: '',
      number: '+237650000001',
      text: 'é\n"',
      callingCode: null,
      networkCodes: ['62401'],
      sid: '1',
    },
    scheduledAt: 1_648_206_123_900,
    retryUntil: 1_648_292_523_900,
  },
  since: 1_648_206_122_814,
  dueAt: 1_648_206_123_900,
  attempts: 0,
  history: [],
};
