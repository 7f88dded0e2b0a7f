// Outgoing SMS as the composition root builds them, on a store, a broker and callbacks of a test.

import { createAddressing } from '../../../src/domain/outgoing/addressing.ts';
import { createDeveloperCallbacks } from '../../../src/domain/outgoing/developer-callbacks.ts';
import type { OutgoingMessage } from '../../../src/domain/outgoing/message.ts';
import { createMessageLog } from '../../../src/domain/outgoing/message-log.ts';
import type { Callback } from '../../../src/domain/outgoing/model.ts';
import { createOutgoing, type OutgoingDeps } from '../../../src/domain/outgoing/outgoing.ts';
import type { Pacing } from '../../../src/domain/outgoing/pacing.ts';
import type { Broker } from '../../../src/domain/outgoing/ports.ts';
import { createRequestLimits } from '../../../src/domain/outgoing/request-limits.ts';
import { createRequestMessages } from '../../../src/domain/outgoing/request-messages.ts';
import { createSending } from '../../../src/domain/outgoing/sending.ts';
import { createTracking } from '../../../src/domain/outgoing/tracking.ts';
import { createWaitingQueue } from '../../../src/domain/outgoing/waiting-sms.ts';
import type { RateLimit } from '../../../src/domain/shared/model.ts';
import type { Outbox } from '../../../src/domain/shared/outbox-types.ts';
import type { Clock } from '../../../src/domain/shared/ports.ts';
import type { Store } from '../../../src/domain/store.ts';
import { countSmsParts } from '../../../src/telecom/sms-parts.ts';
import { createTelecom } from '../../../src/telecom/telecom.ts';
import { createMemoryLog } from '../../support/log.ts';

export const reportGraceMs = 60_000;

type Given = Pick<OutgoingDeps, 'tenants' | 'developers' | 'leases' | 'responses' | 'lookupLimit'>;

interface Parts extends Given {
  readonly broker: Broker | undefined;
  readonly store: Store;
  readonly callbacks: Pick<Outbox<Callback>, 'add'>;
  readonly clock: Clock;
  readonly pacing?: Pacing | undefined;
  readonly maxParts?: number;
  readonly maxPerDeveloper?: number | undefined;
  readonly requestLimit: RateLimit;
}

let lastId = 0;

export function buildOutgoing({
  broker,
  store,
  callbacks,
  clock,
  pacing,
  maxParts = 255,
  maxPerDeveloper = 1_000,
  ...given
}: Parts) {
  const log = createMemoryLog();
  const developerCallbacks = createDeveloperCallbacks({
    outbox: callbacks,
    store: store.callbacks,
    maxPerDeveloper: 100,
  });
  /** Messages whose route is known, at each change of it or of their state. */
  const routed: OutgoingMessage[] = [];
  const messages = createMessageLog({
    onRouted: (message) => routed.push(message),
    store: store.messages,
    callbacks: developerCallbacks,
    clock,
    log,
    newId: () => String(++lastId),
    reportGraceMs,
  });
  const addressing = createAddressing({
    telecom: createTelecom({ operatorsFile: '' }),
    countParts: countSmsParts,
    defaultSid: '1',
    maxParts,
  });
  const waiting =
    broker &&
    createWaitingQueue({
      store: store.waitingSms,
      broker,
      messages,
      pacing,
      maxPerDeveloper,
      clock,
      log,
      random: () => 1,
      pollIntervalMs: undefined,
    });
  const requests = createRequestLimits(store.limits, given.requestLimit);
  const outgoing = createOutgoing({
    ...given,
    sending:
      broker &&
      waiting &&
      createSending({
        broker,
        addressing,
        messages: createRequestMessages(messages, store.messages, clock.now),
        waiting,
        pacing,
        callbacks: developerCallbacks,
        clock,
      }),
    addressing,
    limits: store.limits,
    requests,
    defaultEvents: [],
    clock,
    log,
  });
  const tracking = createTracking({
    store: store.messages,
    messages,
    waiting,
    developers: given.developers,
    limits: requests,
  });
  return { outgoing, tracking, messages, waiting, routed, log };
}
