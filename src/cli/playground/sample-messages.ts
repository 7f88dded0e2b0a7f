// Outgoing messages of a playground with sample data, in every state, as an earlier run would have left them: they need no
// RabbitMQ. Used by create.ts.

import { openArchive } from '../../app/compose/store-archive.ts';
import type { Config } from '../../config/schema.ts';
import type { MessageState, OutgoingMessage } from '../../domain/outgoing/message.ts';
import type { Clock, Log } from '../../domain/shared/ports.ts';

const minute = 60_000;
const firstId = 1_000_001;
const operators = ['MTN Cameroon', 'Orange Cameroon', 'Nexttel'] as const;
const ways: Readonly<Record<MessageState, readonly MessageState[]>> = {
  queued: ['queued'],
  sent: ['queued', 'sent'],
  delivered: ['queued', 'sent', 'delivered'],
  failed: ['queued', 'sent', 'failed'],
  expired: ['queued', 'expired'],
  cancelled: ['queued', 'cancelled'],
};
const reasons: Readonly<Partial<Record<MessageState, string>>> = {
  failed: 'the phone has no credit',
  expired: 'no phone reported that it was sent while it was valid',
};

interface SampleRequest {
  readonly uuid: string;
  readonly authId: string;
  readonly agoMinutes: number;
  readonly states: Readonly<Partial<Record<MessageState, number>>>;
  /** They wait for this time, which is so many minutes ahead. */
  readonly waitsMinutes?: number;
}

const requests: readonly SampleRequest[] = [
  {
    uuid: '7d3f1c52-91ab-4c7e-9a34-5a1a0f6f2d11',
    authId: 'clinic',
    agoMinutes: 95,
    states: { delivered: 38, sent: 3, failed: 2, expired: 1 },
  },
  {
    uuid: 'c0a8e9b4-6f0d-4a53-8d52-3f1f5f2b7e20',
    authId: 'market_prices',
    agoMinutes: 31,
    states: { delivered: 9, sent: 4, queued: 6, failed: 1 },
  },
  {
    uuid: '2b6d4a90-3c1e-4f27-b1f8-9e0c7d5a4b33',
    authId: 'clinic',
    agoMinutes: 12,
    states: { queued: 8, cancelled: 2 },
    waitsMinutes: 240,
  },
  {
    uuid: 'e4f0b7d8-52a6-4e19-a7c3-1d8b6c9f0e44',
    authId: 'school',
    agoMinutes: 2,
    states: { delivered: 1, queued: 1 },
  },
];

/** Adds them to a store that is a folder, before its daemon opens it; a shared store may be that of others. */
export async function addSampleMessages(
  config: Config,
  { clock, log }: { readonly clock: Clock; readonly log: Log },
): Promise<void> {
  if (!config.store.url.startsWith('file:')) return;
  const { archive } = await openArchive({ config, clock, log }, 'import');
  try {
    const messages = requests.flatMap((request) => messagesOf(request, clock.now()));
    const restore = (message: (typeof messages)[number], index: number): Promise<void> =>
      archive.restore({ kind: 'messages', record: { ...message, id: String(firstId + index) } });
    // Together, so that they share their writes.
    await Promise.all(messages.map(restore));
  } finally {
    await archive.close();
  }
}

function messagesOf(request: SampleRequest, now: number): readonly Omit<OutgoingMessage, 'id'>[] {
  const { uuid, authId, agoMinutes, waitsMinutes } = request;
  const states = Object.entries(request.states).flatMap(([state, count]) =>
    Array.from({ length: count }, () => state as MessageState),
  );
  const queued = now - agoMinutes * minute;
  return states.map((state, index) => {
    const way = ways[state].map((each, step) => [each, queued + step * (5_000 + (index % 7) * 900)] as const);
    const until = waitsMinutes === undefined ? undefined : now + waitsMinutes * minute;
    const reason = reasons[state];
    return {
      uuid,
      index,
      authId,
      number: `+2376${50 + (index % 3) * 20}${String(100_000 + index * 373).padStart(6, '0')}`,
      operatorName: operators[index % operators.length] ?? '',
      encoding: index % 5 === 4 ? 'UCS-2' : 'GSM-7',
      parts: 1 + (index % 2),
      state,
      times: { queued, ...Object.fromEntries(way) },
      ...(reason !== undefined && { reason }),
      ...(until === undefined
        ? { handover: 'accepted', acceptedAt: queued + 30 + index }
        : {
            handover: 'pending',
            scheduledAt: until,
            waitsUntil: until,
            validUntil: until + 60 * minute,
            reviewAt: until + 60 * minute,
          }),
      sentParts: [],
      deliveredParts: [],
      unreported: [],
      revision: 1,
    };
  });
}
