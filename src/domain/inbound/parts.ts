// Keeps the parts of long SMS that a phone submits one by one, until together they are one payload. Used by publishing.ts.

import { describePayload } from '../../crypto/payload-form.ts';
import { messageOf } from '../../errors.ts';
import { dropOldest } from '../../lib/drop-oldest.ts';
import { createTurns } from '../../lib/next-turn.ts';
import type { HistoryEvent, OutboxEntry } from '../shared/model.ts';
import { appendHistory } from '../shared/outbox-attempts.ts';
import type { AttemptOutcome, Outbox } from '../shared/outbox-types.ts';
import type { Clock, Log, RequestContext } from '../shared/ports.ts';
import type { InboundSms } from './model.ts';
import { findWholes, maxPartsOfSender, type PartRole } from './part-assembly.ts';
import type { InboundStore } from './ports.ts';
import { createRecentTexts } from './recent-texts.ts';
import type { RecordRefusal } from './refusals.ts';
import { isQuotaReached } from './sender-quota.ts';
import { smsId } from './sms-id.ts';
import type { SmsReader } from './sms-reader.ts';
import type { StrangerQuotas } from './stranger-quotas.ts';

type NewSms = Pick<InboundSms, 'platform' | 'msisdn' | 'text'>;
type Received = { readonly id: string; readonly reply: 'published' | 'accepted' | 'recorded' | 'refused' };

/** How long a part waits for the others. */
export const partTtlMs = 3_600_000;
/** The order key under which the parts of a sender are found from every process. */
export const partsKey = (msisdn: string): string => `parts:${msisdn}`;

/** Before a whole SMS that could not be received is tried again. */
const retryPauseMs = 30_000;
const maxRetrying = 1_000;
/** Entries of each list that are searched for the other parts of one that an operator retries. */
const maxSearched = 500;
/** Parts whose arrival this process remembers; those of earlier processes and other nodes are as old as the wall clock says. */
const maxKeptHere = 1_000;
/** Steps of putting parts together in one turn of the event loop, for all senders: some 3 ms. */
const stepsPerTurn = 8;

export interface Parts {
  /**
   * Receives a text that may be of a longer SMS: keeps it, and receives the whole SMS once it is complete. Undefined when the text is to
   * be received as a message of its own. Throws UNAVAILABLE, also for too many parts of one sender or address.
   */
  receive(sms: NewSms, role: PartRole, context: RequestContext): Promise<Received | undefined>;
  /** The outcome of a kept part that is due: the others have arrived, or did not in time. */
  deliver(entry: OutboxEntry<InboundSms>): Promise<AttemptOutcome<InboundSms>>;
}

export interface PartsDeps {
  readonly store: Pick<InboundStore, 'inbound' | 'receipts'>;
  readonly outbox: Pick<Outbox<InboundSms>, 'add' | 'retry'>;
  readonly quotas: Pick<StrangerQuotas, 'parts' | 'incompleteParts'>;
  readonly reader: SmsReader;
  readonly recordRefusal: RecordRefusal;
  /** Receives an SMS that was put together. */
  readonly receiveWhole: (
    sms: NewSms,
    history: readonly HistoryEvent[],
    context: RequestContext,
  ) => Promise<Received>;
  readonly clock: Clock;
  readonly log: Log;
}

/** A text that waits for others; without a history when it is not stored. */
interface Piece {
  readonly id: string;
  readonly text: string;
  readonly history?: readonly HistoryEvent[];
}

export function createParts(deps: PartsDeps): Parts {
  const { store, quotas, reader, recordRefusal, clock } = deps;
  const recent = createRecentTexts(clock, partTtlMs);
  /** By the monotonic clock, because a wall clock that is set ahead must not end the wait. */
  const keptAt = new Map<string, number>();
  // Strangers can send parts that fit in many ways, also many at the same time.
  const turn = createTurns(stepsPerTurn);

  /** In the order of their arrival. */
  const piecesOf = async (msisdn: string): Promise<Piece[]> => {
    const entries = await store.inbound.waitingOf(partsKey(msisdn), maxPartsOfSender);
    return [
      ...entries.map(pieceOf),
      ...recent.of(msisdn).map((text) => ({ id: partId(msisdn, text), text })),
    ];
  };

  const incompletePiecesOf = async (msisdn: string): Promise<Piece[]> => {
    const { deadLetters, waiting } = store.inbound;
    const entries = await Promise.all([deadLetters(maxSearched), waiting(maxSearched)]);
    return entries
      .flat()
      .filter(({ content }) => content.part === 'incomplete' && content.msisdn === msisdn)
      .slice(0, maxPartsOfSender)
      .map(pieceOf);
  };

  /**
   * Receives a whole SMS of these parts; undefined when there is none, and for a client that has gone, whose parts are put together later.
   * @param newest the index of a part that it must have
   * @param claimed the id of a part that its caller removes
   */
  const completeFrom = async (
    pieces: readonly Piece[],
    sms: Omit<NewSms, 'text'>,
    context: RequestContext,
    { newest, claimed }: { readonly newest?: number; readonly claimed?: string },
  ): Promise<(Received & { readonly used: readonly Piece[] }) | undefined> => {
    const texts = pieces.map(({ text }) => text);
    for (const sequence of findWholes(texts, newest)) {
      await turn();
      if (context.isAborted()) return completeLater(sms, context);
      if (!sequence) continue;
      const used = sequence.flatMap((index) => pieces[index] ?? []);
      const whole = { ...sms, text: padded(used.map(({ text }) => text).join('')) };
      if (!(await isPlausible(whole))) continue;
      const received = await deps.receiveWhole(whole, historyOf(used), context);
      await join(used, received.id, sms.msisdn, claimed);
      return { ...received, used };
    }
    return undefined;
  };

  /** @param searched the ids of other parts with which no whole was found; those of this search are added */
  const complete = async (
    sms: NewSms,
    own: Piece,
    context: RequestContext,
    searched = new Set<string>(),
  ): Promise<Received | undefined> => {
    const others = (await piecesOf(sms.msisdn)).filter(({ id }) => id !== own.id);
    if (others.every(({ id }) => searched.has(id))) return undefined;
    const completed = await completeFrom([...others, own], sms, context, { newest: others.length });
    for (const { id } of others) searched.add(id);
    return completed && { id: completed.id, reply: completed.reply };
  };

  /** A key shows which order of the parts of an encrypted SMS is right; a payload for the relay shows no more than its form. */
  const isPlausible = async (sms: NewSms): Promise<boolean> =>
    describePayload(sms.text).kind !== 'v2' || (await reader.read(sms)).kind !== 'wrong key';

  const historyOf = (used: readonly Piece[]): HistoryEvent[] => [
    ...used.flatMap(({ history }) => history?.[0] ?? []),
    { at: clock.now(), event: `put together from ${used.length} parts` },
  ];

  /** Removes the parts of a whole, and leaves receipts, so that a repeated part is not kept again. */
  const join = async (
    used: readonly Piece[],
    whole: string,
    msisdn: string,
    claimed: string | undefined,
  ): Promise<void> => {
    for (const { id, text, history } of used) {
      recent.remove(msisdn, text);
      if (!history) continue;
      const event = `put together with ${used.length - 1} other parts: message ${whole}`;
      try {
        await store.receipts.put(id, {
          reply: 'accepted',
          history: appendHistory(history, clock.now(), event),
          partOf: whole,
        });
        if (id !== claimed) await store.inbound.remove(id);
        quotas.parts.release(id);
        quotas.incompleteParts.release(id);
      } catch (error) {
        deps.log.warn({ id, reason: messageOf(error) }, 'a part could not be removed after it was used');
      }
    }
  };

  /** The reply to a part that was received before. */
  const repeated = async (id: string, sms: NewSms, log: Log): Promise<Received | undefined> => {
    const entry = await store.inbound.getDurable(id);
    if (entry?.dueAt === null) await deps.outbox.retry(id, 'sender');
    const receipt = entry ? undefined : await store.receipts.get(id);
    if (!entry && !receipt) return undefined;
    recordRefusal(id, sms, 'duplicate', log);
    return { id: receipt?.partOf ?? id, reply: 'accepted' };
  };

  const keep = async (own: Piece, sms: NewSms, role: PartRole, context: RequestContext): Promise<void> => {
    const { address, log } = context;
    keptAt.set(own.id, clock.monotonic());
    dropOldest(keptAt, maxKeptHere);
    try {
      await quotas.parts.admit(own.id, { msisdn: sms.msisdn, address }, () =>
        deps.outbox.add(own.id, { ...sms, address, part: role.kind }, own.history, partTtlMs),
      );
    } catch (error) {
      if (isQuotaReached(error)) recordRefusal(own.id, sms, 'parts limit', log);
      throw error;
    }
  };

  const ageOf = ({ id, since }: OutboxEntry<InboundSms>): number => {
    const arrival = keptAt.get(id);
    return arrival === undefined ? Math.max(0, clock.now() - since) : clock.monotonic() - arrival;
  };

  /** Senders whose parts are put together later. */
  const retrying = new Set<string>();

  /** Tries later to receive a whole SMS of kept parts; after a crash, that is done when the first of them is due. */
  const completeLater = (sms: Omit<NewSms, 'text'>, { address }: RequestContext): undefined => {
    if (retrying.has(sms.msisdn) || retrying.size >= maxRetrying) return undefined;
    const context = { address, log: deps.log, isAborted: () => false };
    retrying.add(sms.msisdn);
    clock.after(retryPauseMs, () => {
      retrying.delete(sms.msisdn);
      piecesOf(sms.msisdn)
        .then((pieces) => completeFrom(pieces, sms, context, {}))
        .catch((error: unknown) => {
          deps.log.warn({ reason: messageOf(error) }, 'the parts of a longer SMS are put together later');
          completeLater(sms, context);
        });
    });
    return undefined;
  };

  return {
    receive: async (sms, role, context) => {
      const id = partId(sms.msisdn, sms.text);
      const history = [
        { at: clock.now(), event: `received by ${sms.platform}, kept as a part of a longer SMS` },
      ];
      const own = { id, text: sms.text, history };
      if (!role.isOnlyPart) {
        recent.add(sms.msisdn, sms.text);
        return complete(sms, own, context);
      }
      const before = await repeated(id, sms, context.log);
      if (before) return before;
      const searched = new Set<string>();
      try {
        const completed = role.kind === 'tail' ? await complete(sms, own, context, searched) : undefined;
        if (completed) return completed;
      } catch (error) {
        context.log.warn(
          { id, reason: messageOf(error) },
          'a part is kept, because the whole cannot be received now',
        );
        completeLater(sms, context);
      }
      await keep(own, sms, role, context);
      try {
        // Again, because other parts may have arrived meanwhile, also at another process.
        const completed = await complete(sms, own, context, searched);
        if (completed) return completed;
      } catch {
        completeLater(sms, context);
      }
      return { id, reply: 'accepted' };
    },
    deliver: async (entry) => {
      const { id, content, history } = entry;
      const { address = '', part, message: _, ...sms } = content;
      const { msisdn } = sms;
      const context = { address, log: deps.log, isAborted: () => false };
      // An operator has retried it: others may be dead letters, or retried, too.
      const incomplete = part === 'incomplete' ? await incompletePiecesOf(msisdn) : [];
      const pieces = [...incomplete, ...(await piecesOf(msisdn))];
      const completed = await completeFrom(pieces, sms, context, { claimed: id });
      if (completed?.used.some((each) => each.id === id)) return { kind: 'delivered' };
      const left = partTtlMs - ageOf(entry);
      if (left > 0 && part !== 'incomplete')
        return { kind: 'retry', reason: 'waits for the other parts', pauseMs: left };
      quotas.parts.release(id);
      if (part === 'tail') {
        const event = 'no other part of a longer SMS arrived';
        await deps.receiveWhole(sms, appendHistory(history, clock.now(), event), context);
        return { kind: 'delivered' };
      }
      await quotas.incompleteParts.admit(id, { msisdn, address }, async () => undefined);
      const { length } = pieces;
      const reason = `incomplete: ${length} ${length === 1 ? 'part' : 'parts'} of a longer SMS`;
      return { kind: 'dead-letter', reason, content: { ...content, part: 'incomplete' } };
    },
  };
}

const pieceOf = ({ id, content: { text }, history }: OutboxEntry<InboundSms>): Piece => ({
  id,
  text,
  history,
});

/** The padding may have been a part of its own, and Publishers require it. */
function padded(text: string): string {
  const missing = (4 - (text.replace(/\s/g, '').length % 4)) % 4;
  return missing === 1 || missing === 2 ? text.trimEnd() + '='.repeat(missing) : text;
}

/** Never that of a message: no payload has a colon. */
function partId(msisdn: string, text: string): string {
  return smsId(msisdn, `part:${text}`);
}
