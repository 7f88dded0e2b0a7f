// Sends the SMS of one request: records each as a message, gives it to the broker or lets it wait, and reports the errors.
// Used by outgoing.ts.

import { newUuid } from '../../crypto/random.ts';
import { messageOf, SwobError } from '../../errors.ts';
import type { Clock, Log } from '../shared/ports.ts';
import { StoreFullError } from '../shared/store-full-error.ts';
import type { AddressedSms, Addressing, Recipient } from './addressing.ts';
import { type CountedSms, countSms } from './counted-sms.ts';
import type { DeveloperCallbacks } from './developer-callbacks.ts';
import { type Dispatched, lookUpAll, sendAll } from './dispatch.ts';
import type { RequestAttempt, RequestResult } from './idempotent-requests.ts';
import type { MessageState, OutgoingMessage } from './message.ts';
import { isoTime, messageSummary } from './message-views.ts';
import type { Pacing, WaitReason } from './pacing.ts';
import { planWaits } from './plan-waits.ts';
import type { Broker } from './ports.ts';
import type { RequestItem, RequestMessages } from './request-messages.ts';
import type { WaitingQueue } from './waiting-sms.ts';

/** What a developer requests. Times are Unix times in milliseconds. */
export interface Batch {
  readonly authId: string;
  readonly data: readonly Recipient[];
  readonly uuid?: string | undefined;
  /** Where the result is reported, and each change to one of the states in `events`. */
  readonly urls: readonly string[];
  readonly events: readonly MessageState[];
  readonly scheduledAt?: number | undefined;
  readonly validUntil?: number | undefined;
}

export interface Sending {
  /** One attempt to send a batch; stops early when its client has gone before the first SMS is sent. */
  send(batch: Batch, attempt: RequestAttempt, log: Log, isAborted?: () => boolean): Promise<RequestResult>;
  /** The response for the developer: the result of `send`, with the state of each message as it is now. */
  respond(body: string): Promise<string>;
}

export interface SendingDeps {
  readonly broker: Broker;
  readonly addressing: Addressing;
  readonly messages: RequestMessages;
  readonly waiting: WaitingQueue;
  readonly pacing: Pacing | undefined;
  /** Called for each SMS that has to wait. */
  readonly onWait?: (why: WaitReason) => void;
  readonly callbacks: Pick<DeveloperCallbacks, 'addResult'>;
  readonly clock: Clock;
}

/** An SMS that is reported with its outcome. */
interface Reported {
  readonly item: AddressedSms;
  readonly failure?: string;
}

const noPlace =
  'not sent: too many of your SMS wait in swob already; send it again when some of them have been sent';
const outcomeUnknown =
  'it may have been sent: an earlier attempt of this request was interrupted, and no SMS is sent twice';

export function createSending(deps: SendingDeps): Sending {
  const { broker, addressing, messages, waiting, pacing, onWait, callbacks, clock } = deps;

  /** Makes the messages of a batch, and keeps those that wait. */
  const prepare = async (
    batch: Batch,
    uuid: string,
    list: readonly {
      readonly addressed: AddressedSms;
      readonly index: number;
      readonly id: string;
      readonly isKnown: boolean;
    }[],
    counting: CountedSms['pacing'],
    log: Log,
    beforeKeeping: (items: readonly RequestItem[]) => Promise<void>,
  ): Promise<readonly RequestItem[]> => {
    const planned = await planWaits(
      list.map(({ addressed }) => addressed),
      { scheduledAt: batch.scheduledAt, pacing: counting, waiting, clock },
    );
    const wanted = planned.filter(({ wait }) => wait).length;
    const places = wanted > 0 ? await waiting.reserve(batch.authId, wanted) : undefined;
    try {
      let free = places?.granted ?? 0;
      const admitted = planned.map(({ addressed, wait }) =>
        wait && free-- <= 0
          ? { addressed: { ...addressed, fault: noPlace }, wait: undefined }
          : { addressed, wait },
      );
      const items = await messages.create(
        list.map((each, offset) => ({ wait: undefined, ...each, ...admitted[offset] })),
        { ...batch, uuid },
      );
      await beforeKeeping(items);
      return await Promise.all(items.map((item) => keep(item, log)));
    } finally {
      places?.release();
    }
  };

  /** Returns an SMS that cannot be kept with the reason. */
  const keep = async (item: RequestItem, log: Log): Promise<RequestItem> => {
    const { sms, message, wait, isKept } = item;
    if (!wait || !isKept) return item;
    try {
      if (wait.why === 'schedule') await waiting.schedule(message.id, sms, wait.until);
      else await waiting.append(message.id, sms);
      onWait?.(wait.why);
      return item;
    } catch (error) {
      if (!(error instanceof SwobError)) throw error;
      const reason = `swob cannot keep it until it may be sent: ${error.publicMessage}`;
      log.warn(
        { id: message.id, reason: error.message },
        'an outgoing SMS that has to wait could not be kept',
      );
      // A store that is full of SMS is no failure: further ones are errors of their recipients.
      return error instanceof StoreFullError ? { ...item, fault: reason } : { ...item, unkept: reason };
    }
  };

  const respond: Sending['respond'] = async (body) => {
    const { ids, ...result } = readBody(body);
    if (!ids) return body;
    const found = await messages.find(ids).catch(() => undefined);
    // The SMS may have been sent, so that a store that is away is no reason to fail.
    if (!found) return JSON.stringify(result);
    return JSON.stringify({
      ...result,
      messages: found.flatMap((each) => (each ? [messageSummary(each)] : [])),
    });
  };

  return {
    respond,
    send: async (batch, { earlier, saveProgress }, log, isAborted) => {
      const { done = 0, begun = 0 } = earlier ?? {};
      const before = readBody(earlier?.body ?? '{}');
      const uuid = batch.uuid ?? before.uuid ?? newUuid();
      // All operators first, so that the SMS reach the broker in the order of the list.
      const all = await lookUpAll(
        batch.data,
        (recipient) => addressing.address(batch.authId, recipient),
        isAborted,
      );
      let ids = all.map((_, index) => before.ids?.[index] ?? messages.newId());
      const isKnown = before.ids !== undefined;
      const list = all.map((addressed, index) => ({ addressed, index, id: ids[index] ?? '', isKnown }));
      const interrupted = list.slice(done, begun);
      const known = await messages.find(interrupted.map(({ id }) => id));
      const reported = interrupted.map(({ addressed }, index) => failed(addressed, failureOf(known[index])));
      if (before.ids) log.warn({ uuid, unknown: begun - done }, 'an interrupted request is resumed');
      const timestamp = isoTime(clock.now());
      const bodyOf = (outcomes: readonly Reported[]): string => {
        const errors = errorsOf([...reported, ...outcomes], timestamp);
        return JSON.stringify({ uuid, errors: [...(before.errors ?? []), ...errors], ids });
      };
      // First, because the request would make other messages if it was repeated after an interruption.
      await saveProgress({ body: bodyOf([]), done: begun, begun });
      const rest = list.slice(begun);
      const counted = countSms(pacing, log);
      let items: readonly RequestItem[] = [];
      let outcomes: readonly Dispatched<RequestItem>[] = [];
      try {
        items = await prepare(batch, uuid, rest, counted.pacing, log, async (created) => {
          ids = [...ids.slice(0, begun), ...created.map(({ message }) => message.id)];
          // Again, because another process may have taken over the request.
          if (created.some(({ wait }) => wait)) await saveProgress({ body: bodyOf([]), done: begun, begun });
        });
        outcomes = await sendAll(
          {
            broker,
            beforeBatch: (earlierOutcomes, count) => {
              outcomes = earlierOutcomes;
              const next = begun + outcomes.length;
              return saveProgress({ body: bodyOf(outcomes), done: next, begun: next + count });
            },
          },
          items,
        );
      } finally {
        const taken = outcomes.flatMap(({ kind }, index) =>
          kind === 'sent' || kind === 'unconfirmed' ? (rest[index]?.addressed.sms ?? []) : [],
        );
        await counted.refundAllBut(new Set(taken));
      }
      const body = bodyOf(outcomes);
      const complete = isComplete(outcomes);
      log.info({ uuid, sms: outcomes.length, failed: errorsOf(outcomes, timestamp).length }, 'outgoing SMS');
      if (!complete) {
        await messages.forget(items);
        const { ids: _, ...result } = readBody(body);
        return { body: JSON.stringify(result), complete };
      }
      const interruptedIds = interrupted.map(({ id }) => id);
      await messages.settle(outcomes, interruptedIds).catch((error: unknown) => {
        // They have been sent; a review finds that publishing them was interrupted.
        log.error({ uuid, reason: messageOf(error) }, 'SMS were sent, but that could not be recorded');
      });
      if (batch.urls.length > 0) {
        // Throws if another process has taken over the request, whose result is the one to report.
        await saveProgress({ body, done: all.length, begun: all.length });
        await callbacks.addResult({ ...batch, uuid, ids }, await respond(body), log);
      }
      return { body, complete };
    },
  };
}

function failed(item: AddressedSms, failure: string | undefined): Reported {
  return { item, ...(failure !== undefined && { failure }) };
}

/** What to say about an SMS that an earlier attempt has begun to send; undefined when it was sent or is kept. */
function failureOf(message: OutgoingMessage | undefined): string | undefined {
  if (message?.state === 'failed') return message.reason;
  const isKnown = message?.handover === 'pending' || message?.handover === 'accepted';
  return isKnown || (message && message.state !== 'queued') ? undefined : outcomeUnknown;
}

/** Once an SMS may have been accepted the response is final, because a repetition would send it twice. */
function isComplete(outcomes: readonly Dispatched[]): boolean {
  const tried = outcomes.filter(({ kind }) => kind !== 'bad' && kind !== 'expired');
  return tried.length === 0 || tried.some(({ kind }) => kind !== 'not sent');
}

function errorsOf(outcomes: readonly Reported[], timestamp: string): object[] {
  return outcomes.flatMap(({ item: { sms, givenNumber }, failure: error_message }) =>
    error_message === undefined
      ? []
      : [{ number: givenNumber, operator_name: sms.operatorName, error_message, timestamp }],
  );
}

/** The result of a request, or its progress; `ids` are those of its messages, in the order of its recipients. */
interface Body {
  readonly uuid?: string;
  readonly errors?: readonly unknown[];
  readonly ids?: readonly string[];
}

function readBody(body: string): Body {
  const { uuid, errors, ids }: Partial<Record<keyof Body, unknown>> = Object(JSON.parse(body));
  return {
    ...(typeof uuid === 'string' && { uuid }),
    ...(Array.isArray(errors) && { errors }),
    ...(Array.isArray(ids) && { ids: ids.map(String) }),
  };
}
