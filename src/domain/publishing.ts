// An encrypted SMS on its way to the Publisher: whose it is, what it says, and that it arrives once. Used by the
// gateway's publish routes; what could not be delivered waits in the outbox.

import { sha256Hex } from '../crypto/random.ts';
import { canonicalSms, decryptSms } from '../crypto/sms-cipher.ts';
import { messageOf, SwobError } from '../errors.ts';
import { limited, takeAll } from './limiting.ts';
import type { InboundSms, LifeEvent, Parcel, RateLimit } from './model.ts';
import { createOutbox, lived, type Outbox, type Outcome } from './outbox.ts';
import type { Caller, Clock, Log, Store } from './ports.ts';
import { createSingleFlight } from './single-flight.ts';
import type { Publisher, UserDirectory } from './upstreams.ts';

/**
 * - `published`: the Publisher has it
 * - `accepted`: kept, and delivered as soon as that works
 * - `refused`: not for us: not our format, no such user, or it does not decrypt; which of them is not told
 */
export type SmsAnswer = (typeof smsAnswers)[number];
const smsAnswers = ['published', 'accepted', 'refused'] as const;

export interface Publishing {
  /**
   * Takes an SMS. The same SMS again gets the same answer and is published once. Throws LIMITED, and
   * UNAVAILABLE when it can neither be published nor kept.
   * @returns the answer, and the id under which `swob sms trace` knows the message
   */
  receive(sms: NewSms, caller: Caller): Promise<{ readonly id: string; readonly answer: SmsAnswer }>;
  readonly outbox: Outbox<InboundSms>;
  /** Resolves when nothing is being published. */
  idle(): Promise<void>;
}

type NewSms = Pick<InboundSms, 'platform' | 'msisdn' | 'text'>;

export interface PublishingDeps {
  readonly store: Pick<Store, 'inbound' | 'published' | 'users' | 'limits' | 'flights'>;
  readonly directory: UserDirectory;
  readonly publisher: Publisher;
  readonly clock: Clock;
  readonly log: Log;
  readonly random: () => number;
  readonly maxAgeMs: number;
  readonly maxPauseMs: number;
  /** How long a message that was given up is kept. */
  readonly keepFailedMs: number;
  /** Where other processes share the store: how often to look for their messages. */
  readonly lookEveryMs?: number | undefined;
  readonly smsLimit: RateLimit;
  /** Whether a sender is well formed; gateway clients pass on whatever the network showed them. */
  readonly isSender: (msisdn: string) => boolean;
}

/** Kept messages that are tried at once. */
const retriedAtOnce = 16;

type AttemptOutcome = Outcome<InboundSms> | { readonly kind: 'refused'; readonly reason: string };

export function createPublishing(deps: PublishingDeps): Publishing {
  const { store, directory, publisher, clock, smsLimit } = deps;
  /** What is being published for the first time; the same SMS at the same time waits for it. */
  const underWay = createSingleFlight<SmsAnswer>({
    name: 'sms',
    flights: store.flights,
    clock,
    log: deps.log,
    read: (value) => smsAnswers.find((answer) => answer === value),
  });

  /** The plain text; undefined for everything that is not for us. */
  const read = async ({ msisdn, text }: InboundSms): Promise<string | undefined> => {
    const userId = await directory.userOf(msisdn);
    const user = userId === undefined ? undefined : await store.users.get(userId);
    // Without a user there is as much to decrypt.
    const message = decryptSms(user?.sharedKey ?? nobodysKey, text);
    return user && message;
  };

  const attempt = async (id: string, sms: InboundSms): Promise<AttemptOutcome> => {
    let message = sms.message;
    try {
      message ??= await read(sms);
    } catch (error) {
      // Too busy to look: it is not known to be anybody's, and strangers are not to fill the outbox.
      if (error instanceof SwobError && error.code === 'UNAVAILABLE') throw error;
      return { kind: 'again', reason: messageOf(error) };
    }
    if (message === undefined) return { kind: 'refused', reason: 'no paired user, or it does not decrypt' };
    try {
      await publisher.publish(id, sms.msisdn, message);
      return { kind: 'done' };
    } catch (error) {
      const forGood = error instanceof SwobError && error.code === 'UPSTREAM';
      return { kind: forGood ? 'given up' : 'again', reason: messageOf(error), content: { ...sms, message } };
    }
  };

  /** The Publisher has it, whether or not that can be written down. */
  const remember = async (
    id: string,
    answer: 'published' | 'accepted',
    life: readonly LifeEvent[],
    log: Log,
  ): Promise<void> => {
    try {
      await store.published.put(id, { answer, life: lived(life, clock.now(), 'published') });
    } catch (error) {
      log.error({ id, reason: messageOf(error) }, 'published, but the receipt could not be written');
    }
    log.info({ id }, 'published');
  };

  const outbox = createOutbox<InboundSms>({
    name: 'message',
    store: store.inbound,
    clock,
    log: deps.log,
    random: deps.random,
    width: retriedAtOnce,
    maxAgeMs: deps.maxAgeMs,
    maxPauseMs: deps.maxPauseMs,
    keepFailedMs: deps.keepFailedMs,
    lookEveryMs: deps.lookEveryMs,
    deliver: async ({ id, content, life }: Parcel<InboundSms>) => {
      // Published by a process that was killed before it could remove the parcel.
      if (await store.published.get(id)) return { kind: 'done' };
      const outcome = await attempt(id, content);
      if (outcome.kind === 'done') await remember(id, 'accepted', life, deps.log);
      if (outcome.kind !== 'refused') return outcome;
      // Kept only because nobody could tell when it came; strangers' SMS are nothing for an operator.
      deps.log.info({ id, platform: content.platform }, 'an SMS is not for us');
      return { kind: 'done' };
    },
  });

  const receiveFirst = async (id: string, sms: NewSms, log: Log): Promise<SmsAnswer> => {
    // In this order: a parcel is removed only when its receipt is there.
    if (await store.inbound.get(id)) return 'accepted';
    const receipt = await store.published.get(id);
    if (receipt) return receipt.answer;

    const life = [{ at: clock.now(), what: `received by ${sms.platform}` }];
    const outcome = await attempt(id, sms);
    if (outcome.kind === 'refused') {
      log.info({ id, platform: sms.platform }, 'an SMS is not for us');
      return 'refused';
    }
    if (outcome.kind === 'done') {
      await remember(id, 'published', life, log);
      return 'published';
    }
    await outbox.keep(id, outcome.content ?? sms, outcome, life);
    return 'accepted';
  };

  return {
    outbox,
    idle: async () => {
      await outbox.idle();
      await underWay.idle();
    },
    receive: async (sms, { address, log }) => {
      const canonical = canonicalSms(sms.text);
      const isOurs = canonical !== undefined && deps.isSender(sms.msisdn);
      // What is no sender would be a key of any length.
      const keys = [`sms:address:${address}`, ...(isOurs ? [`sms:sender:${sms.msisdn}`] : [])];
      const refused = await takeAll(store.limits, keys, smsLimit);
      if (refused) throw limited('SMS', refused.seconds);
      const id = messageId(sms.msisdn, canonical ?? '');
      if (!isOurs) return { id, answer: 'refused' };

      return { id, answer: await underWay.run(id, () => receiveFirst(id, sms, log)) };
    },
  };
}

/** Nobody can know it, and it opens nothing. */
const nobodysKey = '0'.repeat(32);

/** The same for the same sender and SMS, however often and wherever it comes in: 32 hex characters. */
function messageId(msisdn: string, canonical: string): string {
  return sha256Hex(Buffer.from(JSON.stringify([msisdn, canonical]))).slice(0, 32);
}
