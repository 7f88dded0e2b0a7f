// Publishing of inbound SMS: finds the user of an encrypted SMS, decrypts it, and sends it to the Publisher, once; or relays a
// payload to the RelaySMS Publisher. What cannot be delivered yet waits in the outbox. Used by the gateway's routes for inbound SMS.

import { describePayload, type PayloadForm } from '../../crypto/payload-form.ts';
import { messageOf, SwobError } from '../../errors.ts';
import { createKeyedMutex } from '../../lib/concurrency.ts';
import { createCoalescer } from '../shared/coalesce.ts';
import type { LimitKey } from '../shared/limit-keys.ts';
import type { HistoryEvent, OutboxEntry, RateLimit } from '../shared/model.ts';
import type { Outbox } from '../shared/outbox-types.ts';
import { numberFaults } from '../shared/phone-number.ts';
import type { Log, RequestContext, Telecom } from '../shared/ports.ts';
import { consumeAll, rateLimited } from '../shared/rate-limiting.ts';
import { createFirstAttempts } from './first-attempts.ts';
import type { InboundSms, SmsOrigin } from './model.ts';
import { partRole } from './part-assembly.ts';
import { createParts } from './parts.ts';
import type { InboundStore, UserDirectory } from './ports.ts';
import { createRefusalRecorder } from './refusals.ts';
import type { RefusalReason, RefusedSmsLog } from './refused-sms.ts';
import { isQuotaReached, type QuotaCounts, trackStored } from './sender-quota.ts';
import { smsId } from './sms-id.ts';
import { createSmsOutbox, type SmsOutboxDeps } from './sms-outbox.ts';
import { createSmsReader, isOfPhone } from './sms-reader.ts';
import { createStrangerQuotas } from './stranger-quotas.ts';

/**
 * - `published`: the Publisher has it, or the RelaySMS Publisher
 * - `accepted`: stored, and delivered later
 * - `recorded`: the SMS of a reliability test
 * - `refused`: wrong format, unknown user, it does not decrypt, or it may not be relayed; the sender does not learn which
 */
export type SmsReply = (typeof smsReplies)[number];
const smsReplies = ['published', 'accepted', 'recorded', 'refused'] as const;

export interface Publishing {
  /**
   * Receives an SMS. The same SMS again gets the same reply and is published once. Throws LIMITED, and UNAVAILABLE when
   * it can be neither published nor stored.
   * @returns the reply, and the id for `swob sms trace`
   */
  receive(sms: NewSms, context: RequestContext, origin?: SmsOrigin): Promise<Received>;
  readonly outbox: Outbox<InboundSms>;
  /** Counts of SMS whose sender cannot be verified while the back end is down. */
  unverified(): QuotaCounts;
  /** Counts of SMS to relay. */
  relayed(): QuotaCounts;
  /** Replies `accepted` to every request that still waits for the Publisher, because the service stops. */
  respondNow(): void;
  /** Resolves when no attempt is running. */
  idle(): Promise<void>;
}

type Received = { readonly id: string; readonly reply: SmsReply };
type NewSms = Pick<InboundSms, 'platform' | 'msisdn' | 'text'>;

export interface PublishingDeps extends Omit<SmsOutboxDeps, 'store'> {
  readonly store: InboundStore;
  readonly directory: UserDirectory;
  readonly refusedSms: RefusedSmsLog;
  /** How long a client waits for the Publisher before it gets the reply `accepted`. */
  readonly responseTimeoutMs: number;
  /** Maximum number of messages in the outbox. */
  readonly maxKept: number;
  readonly smsLimit: RateLimit;
  /** Gateway clients pass on whatever sender the network shows, in whatever way they write it. */
  readonly parseSender: Telecom['normalise'];
}

/** The fewest bytes of a payload where none is relayed. */
const defaultMinBytes = 8;

export function createPublishing(deps: PublishingDeps): Publishing {
  const { store, relay, clock, smsLimit } = deps;
  const minPayloadBytes = relay?.minBytes ?? defaultMinBytes;
  const reader = createSmsReader({ directory: deps.directory, users: store.users });
  const recordRefusal = createRefusalRecorder(deps.refusedSms, clock);
  const recordEviction =
    (reason: RefusalReason) =>
    ({ id, content }: OutboxEntry<InboundSms>): void =>
      recordRefusal(id, content, reason, deps.log);
  const quotas = createStrangerQuotas(
    store.inbound,
    deps.maxKept,
    recordEviction('evicted'),
    recordEviction('parts limit'),
  );
  /** The same SMS from several clients at the same time is received once. */
  const coalescer = createCoalescer<SmsReply>({
    name: 'sms',
    leases: store.shared?.leases,
    clock,
    log: deps.log,
    read: (value) => smsReplies.find((reply) => reply === value),
  });
  const firstAttempts = createFirstAttempts({
    clock,
    responseTimeoutMs: deps.responseTimeoutMs,
    whenDurable: store.inbound.getDurable,
  });
  /** The payloads of one sender are stored in the order of their arrival. */
  const arrivals = createKeyedMutex();
  const outbox: Outbox<InboundSms> = createSmsOutbox(deps, {
    reader,
    firstAttempts,
    quotas,
    recordRefusal,
    deliverPart: (entry) => parts.deliver(entry),
  });
  const parts = createParts({
    ...deps,
    outbox,
    quotas,
    reader,
    recordRefusal,
    receiveWhole: (sms, history, context) => receivePayload(sms, describePayload(sms.text), history, context),
  });

  const receiveFirst = async (
    id: string,
    sms: NewSms,
    isOurs: boolean,
    partHistory: readonly HistoryEvent[] | undefined,
    context: RequestContext,
  ): Promise<SmsReply> => {
    // In this order, because an entry is removed only after its receipt is stored.
    const entry = await store.inbound.getDurable(id);
    if (entry?.dueAt === null) await outbox.retry(id, 'sender');
    const receipt = entry ? undefined : await store.receipts.get(id);
    if (entry || receipt) {
      // A whole SMS may be completed by several of its parts at the same time.
      if (!partHistory) recordRefusal(id, sms, 'duplicate', context.log);
      return receipt?.reply ?? 'accepted';
    }

    const history = partHistory ?? [{ at: clock.now(), event: `received by ${sms.platform}` }];
    if (!isOurs) return relayFirst(id, sms, history, context);
    const reading = await reader.read(sms);
    // Nothing is stored then, as strangers could fill the outbox.
    if (reading.kind === 'overloaded') {
      throw new SwobError('UNAVAILABLE', reading.reason, { retryAfter: 1 });
    }
    if (reading.kind === 'failed') {
      await keepUnverified(id, sms, context, reading.reason, history);
      return 'accepted';
    }
    if (reading.kind === 'message')
      return publishFirst(id, { ...sms, message: reading.message }, history, context.log);
    const refusal = isOfPhone(reading) || !relay ? reading.kind : relayRefusal(sms.msisdn);
    if (refusal === undefined) return relayFirst(id, sms, history, context);
    recordRefusal(id, sms, refusal, context.log);
    return 'refused';
  };

  /** Why this sender's SMS are not relayed; undefined when they are. */
  const relayRefusal = (msisdn: string): RefusalReason | undefined => {
    if (!relay) return 'no relay';
    return relay.isAllowed(msisdn) ? undefined : 'country';
  };

  /** Relays a new SMS, or stores it behind others of its sender. */
  const relayFirst = async (
    id: string,
    sms: NewSms,
    history: readonly HistoryEvent[],
    { address, log }: RequestContext,
  ): Promise<SmsReply> => {
    const { msisdn } = sms;
    const content = { ...sms, address, relayed: true } as const;
    try {
      return await quotas.relayed.admit(id, { msisdn, address }, async () => {
        // Until it is stored, those that arrive after it must not overtake it.
        const { reply } = await arrivals.run(msisdn, async () => {
          if ((await store.inbound.waitingOf(msisdn, 1)).length > 0) {
            await outbox.add(id, content, history);
            return { reply: 'accepted' as const };
          }
          const first = firstAttempts.run(id, log, () => outbox.deliverNow(id, content, history));
          await first.whenStored();
          return first;
        });
        return reply;
      });
    } catch (error) {
      if (isQuotaReached(error)) recordRefusal(id, sms, 'relay quota', log);
      throw error;
    }
  };

  /** Stores an SMS whose user cannot be looked up now. */
  const keepUnverified = async (
    id: string,
    sms: NewSms,
    { address, log }: RequestContext,
    reason: string,
    history: readonly HistoryEvent[],
  ): Promise<void> => {
    const failed = { kind: 'retry', reason } as const;
    if (await reader.isOfKnownUser(sms)) return outbox.addFailed(id, sms, failed, history);
    try {
      await quotas.unverified.admit(id, { msisdn: sms.msisdn, address }, () =>
        outbox.addFailed(id, { ...sms, address }, failed, history),
      );
    } catch (error) {
      if (isQuotaReached(error)) recordRefusal(id, sms, 'unverified sender', log);
      throw error;
    }
  };

  /** Attempts a new SMS, and replies `accepted` once it is stored and the Publisher takes too long. */
  const publishFirst = (
    id: string,
    sms: InboundSms,
    history: readonly HistoryEvent[],
    log: Log,
  ): Promise<SmsReply> => firstAttempts.run(id, log, () => outbox.deliverNow(id, sms, history)).reply;

  /** Receives a text of this form, which has a valid sender: a message of its own, or one that was put together from parts. */
  const receivePayload = async (
    received: NewSms,
    form: PayloadForm,
    partHistory: readonly HistoryEvent[] | undefined,
    context: RequestContext,
  ): Promise<Received> => {
    const text = form.kind === 'none' ? received.text : form.text;
    const sms = { ...received, text };
    const id = smsId(sms.msisdn, form.kind === 'none' ? text : form.canonical);
    const refusal = formRefusal(form) ?? (form.kind === 'v2' ? undefined : relayRefusal(sms.msisdn));
    if (refusal === undefined) {
      const isOurs = form.kind === 'v2';
      const run = (): Promise<SmsReply> => receiveFirst(id, sms, isOurs, partHistory, context);
      return { id, reply: await coalescer.run(id, run) };
    }
    recordRefusal(id, sms, refusal, context.log);
    return { id, reply: 'refused' };
  };

  const formRefusal = (form: PayloadForm): RefusalReason | undefined => {
    const isPayload = form.kind === 'v2' || (form.kind === 'relay' && form.bytes.length >= minPayloadBytes);
    return isPayload ? undefined : 'not base64';
  };

  return {
    outbox: {
      ...outbox,
      start: () => {
        trackStored(store.inbound, quotas.all).catch((error: unknown) => {
          deps.log.warn({ reason: messageOf(error) }, 'stored SMS of strangers could not be counted');
        });
        outbox.start();
      },
      drop: async (id) => {
        const isDropped = await outbox.drop(id);
        if (isDropped) for (const quota of quotas.all) quota.release(id);
        return isDropped;
      },
    },
    unverified: quotas.unverified.counts,
    relayed: quotas.relayed.counts,
    respondNow: firstAttempts.respondNow,
    idle: async () => {
      await outbox.idle();
      await coalescer.idle();
    },
    receive: async (received, context) => {
      const { address, log } = context;
      const form = describePayload(received.text);
      const sender = deps.parseSender(received.msisdn);
      const sms = sender.kind === 'number' ? { ...received, msisdn: sender.msisdn } : received;
      const role = sender.kind === 'number' ? partRole(sms.text, form) : undefined;
      // Never key on an unvalidated sender, which may be of any length.
      const keys: LimitKey[] = [`sms:address:${address}`];
      if (sender.kind === 'number' && (formRefusal(form) === undefined || role?.isOnlyPart)) {
        keys.push(`sms:sender:${sms.msisdn}`);
      }
      const usedUp = await consumeAll(store.limits, keys, smsLimit);
      if (usedUp) {
        const id = smsId(sms.msisdn, form.kind === 'none' ? sms.text : form.canonical);
        recordRefusal(id, sms, usedUp.key === keys[0] ? 'address limit' : 'sender limit', log);
        throw rateLimited('SMS', usedUp.seconds);
      }
      if (sender.kind === 'invalid') {
        const id = smsId(sms.msisdn, sms.text);
        recordRefusal(id, sms, 'sender', log, numberFaults[sender.reason]);
        return { id, reply: 'refused' };
      }
      const completed = role && (await parts.receive(sms, role, context));
      return completed ?? receivePayload(sms, form, undefined, context);
    },
  };
}
