// Builds what operators search messages by and act on them with, for the console. Used by messaging.ts and gateway.ts.

import { createMessageActions, type MessageActions } from '../../domain/inbound/message-actions.ts';
import type { MessageAdmin } from '../../domain/inbound/message-admin.ts';
import { createMessageSearch, type MessageSearch } from '../../domain/inbound/message-search.ts';
import { type NodeMessages, shareMessages } from '../../domain/inbound/node-messages.ts';
import type { Publishing } from '../../domain/inbound/publishing.ts';
import { createRecentMessages, recordRecent } from '../../domain/inbound/recent-messages.ts';
import type { RefusedSmsLog } from '../../domain/inbound/refused-sms.ts';
import { waitingCallbacksOf } from '../../domain/outgoing/developer-callbacks.ts';
import type { OutgoingMessage } from '../../domain/outgoing/message.ts';
import type { MessageOverview } from '../../domain/outgoing/message-overview.ts';
import type { Share } from '../../domain/shared/node-requests.ts';
import type { Telecom } from '../../domain/shared/ports.ts';
import type { Store } from '../../domain/store.ts';
import type { Runtime } from './context.ts';
import type { Messaging } from './messaging.ts';

export interface MessageTools {
  readonly search: MessageSearch;
  readonly actions: MessageActions;
  readonly memories: NodeMessages;
  /** A number in any spelling, in E.164 format. */
  numberOf(text: string): string | undefined;
  /** Publishing that records what it receives. */
  readonly publishing: Publishing;
}

export function buildMessageTools(
  { clock, log, lifecycle }: Runtime,
  parts: {
    readonly store: Store;
    readonly telecom: Telecom;
    readonly publishing: Publishing;
    readonly admin: MessageAdmin;
    readonly refusedSms: RefusedSmsLog;
    readonly share: Share;
  },
): MessageTools {
  const { store, telecom, publishing, admin, refusedSms, share } = parts;
  const numberOf = (text: string): string | undefined => {
    const number = telecom.normalise(text);
    return number.kind === 'number' ? number.msisdn : undefined;
  };
  const recent = createRecentMessages(clock, numberOf);
  const memories = shareMessages({ share, refusedSms, recent, numberOf });
  const search = createMessageSearch({ store, admin, memories, numberOf, clock });
  const actions = createMessageActions({ outbox: publishing.outbox, search, admin, clock, log });
  lifecycle.defer('actions of operators', actions.stop);
  return { search, actions, memories, numberOf, publishing: recordRecent(publishing, recent) };
}

/** What the views of messages and outgoing SMS need. */
export function consoleMessaging(
  {
    messageAdmin: admin,
    messageTools,
    outgoing: { report, brokerState, tracking, passedOverRoutes },
  }: Messaging,
  store: Store,
  overview: MessageOverview,
) {
  const { numberOf, ...messages } = messageTools;
  return {
    messages: { ...messages, admin },
    outgoing: {
      report,
      overview,
      tracking,
      numberOf,
      passedOver: passedOverRoutes,
      waitingCallbacksOf: (message: OutgoingMessage) => waitingCallbacksOf(message, store.callbacks),
      waitingCallbacks: async () => (await store.callbacks.count()).waiting,
      brokerState,
    },
  };
}
