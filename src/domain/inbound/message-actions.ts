// Retries and drops of messages that operators request, one or all that match. Each waits for a while in which it can be
// undone, and continues when the operator closes the page. Used by the console's messages.

import { newUuid } from '../../crypto/random.ts';
import { messageOf, SwobError } from '../../errors.ts';
import { nextTurn } from '../../lib/next-turn.ts';
import type { Outbox } from '../shared/outbox-types.ts';
import type { Clock, Log } from '../shared/ports.ts';
import type { MessageAdmin, MessageView } from './message-admin.ts';
import type { MessageFilter, SearchState } from './message-query.ts';
import type { MessageSearch } from './message-search.ts';
import type { InboundSms } from './model.ts';
import { shortenSender } from './refusals.ts';

type MessageActionKind = 'retry' | 'drop';
export type MessageTarget = { readonly id: string } | { readonly filter: MessageFilter };

type UndoResult = 'undone' | 'too late' | 'unknown';

/** Who requested an action, for the log. */
export interface Operator {
  /** The session of the console, shortened. */
  readonly operator: string;
  readonly address: string;
}

/**
 * - `pending`: can be undone until `runsAt`
 * - `running`, `done`: was carried out for `done` messages, and not for `skipped` ones, which had changed meanwhile
 * - `undone`: changed nothing
 * - `failed`: ended early for `reason`
 */
export interface MessageAction {
  readonly id: string;
  readonly kind: MessageActionKind;
  readonly target: MessageTarget;
  readonly state: 'pending' | 'running' | 'done' | 'undone' | 'failed';
  /** Unix times in milliseconds. */
  readonly requestedAt: number;
  readonly runsAt: number;
  /** Known once it runs. */
  readonly total?: number;
  readonly done: number;
  readonly skipped: number;
  readonly reason?: string;
}

type ActionRequest =
  | { readonly kind: 'pending'; readonly action: MessageAction }
  /** Nothing was done, for a reason that an operator understands. */
  | { readonly kind: 'not possible'; readonly reason: string };

export interface MessageActions {
  /** Carries the action out when the time for undoing it is over. Throws UNAVAILABLE. */
  request(kind: MessageActionKind, target: MessageTarget, by: Operator): Promise<ActionRequest>;
  /** `too late`: it runs, has run, or was undone before. `unknown`: it is not of this node. */
  undo(id: string, by: Operator): UndoResult;
  /** The latest first. */
  list(): readonly MessageAction[];
  /** Undoes what is pending, and ends what runs after its step: operators see what is left after the next start. */
  stop(): void;
}

export interface MessageActionsDeps {
  readonly outbox: Pick<Outbox<InboundSms>, 'retry' | 'drop'>;
  readonly search: MessageSearch;
  readonly admin: Pick<MessageAdmin, 'trace'>;
  readonly clock: Clock;
  readonly log: Log;
}

/** How long an action can be undone. What is dropped is lost, so that it waits longer. */
export const undoMs = { retry: 5_000, drop: 10_000 } as const;
const maxOpen = 20;
const maxListed = 20;
/** Messages of one action, whose ids are in memory while it runs. */
const maxMessages = 100_000;
/** Messages between two reports of progress, after which others have their turn. */
const step = 500;

const retriable: readonly (SearchState | undefined)[] = ['dead-lettered', 'outcome unknown', 'waiting'];
const droppable: readonly (SearchState | undefined)[] = ['dead-lettered', 'outcome unknown'];

export function createMessageActions(deps: MessageActionsDeps): MessageActions {
  const { outbox, search, admin, clock, log } = deps;
  const actions = new Map<string, MessageAction>();
  const timers = new Map<string, () => void>();
  let stopped = false;
  let running: Promise<void> = Promise.resolve();

  const update = (id: string, change: Partial<MessageAction>): void => {
    const action = actions.get(id);
    if (action) actions.set(id, { ...action, ...change });
  };
  const removeOldFinished = (): void => {
    const finished = [...actions.values()].filter(({ state }) => state !== 'pending' && state !== 'running');
    for (const { id } of finished.slice(0, Math.max(0, finished.length - maxListed))) actions.delete(id);
  };

  /** @returns whether the message was in a state that allows it */
  const carryOut = async (kind: MessageActionKind, id: string): Promise<boolean> =>
    kind === 'drop' ? outbox.drop(id) : (await outbox.retry(id, 'operator')) === 'retried';

  const run = async (id: string, by: Operator): Promise<void> => {
    const action = actions.get(id);
    if (action?.state !== 'pending' || stopped) return;
    const { kind, target } = action;
    update(id, { state: 'running' });
    let done = 0;
    let skipped = 0;
    let failure: string | undefined;
    try {
      const ids = 'id' in target ? [target.id] : await search.ids(target.filter, maxMessages);
      update(id, { total: ids.length });
      for (const [index, each] of ids.entries()) {
        if (index > 0 && index % step === 0) {
          update(id, { done, skipped });
          await nextTurn();
        }
        if (stopped) throw new SwobError('UNAVAILABLE', 'swob was stopped');
        if (await carryOut(kind, each)) done++;
        else skipped++;
      }
    } catch (error) {
      failure = messageOf(error);
    }
    update(id, {
      state: failure === undefined ? 'done' : 'failed',
      done,
      skipped,
      ...(failure !== undefined && { reason: failure }),
    });
    removeOldFinished();
    const fields = { action: id, ...by, ...loggable(target), done, skipped };
    if (failure === undefined) log.info(fields, `an operator's ${kind} of messages is done`);
    else log.error({ ...fields, reason: failure }, `an operator's ${kind} of messages ended early`);
  };

  return {
    request: async (kind, target, by) => {
      const reason = await whyNot(kind, target, admin);
      if (reason !== undefined) return { kind: 'not possible', reason };
      if (stopped)
        return { kind: 'not possible', reason: 'swob is stopping: request it again after the next start' };
      if (timers.size >= maxOpen) {
        return { kind: 'not possible', reason: `${timers.size} actions are under way: wait for them to end` };
      }
      const now = clock.now();
      const action: MessageAction = {
        id: newUuid(),
        kind,
        target,
        state: 'pending',
        requestedAt: now,
        runsAt: now + undoMs[kind],
        done: 0,
        skipped: 0,
      };
      actions.set(action.id, action);
      const begin = (): void => {
        // One after the other, so that two never compete for the same messages.
        running = running.then(() => run(action.id, by)).finally(() => timers.delete(action.id));
      };
      timers.set(action.id, clock.after(undoMs[kind], begin));
      log.info(
        { action: action.id, ...by, ...loggable(target) },
        `an operator requested a ${kind} of messages`,
      );
      return { kind: 'pending', action };
    },

    undo: (id, by) => {
      const action = actions.get(id);
      if (!action) return 'unknown';
      if (action.state !== 'pending') return 'too late';
      timers.get(id)?.();
      timers.delete(id);
      update(id, { state: 'undone' });
      removeOldFinished();
      log.info({ action: id, ...by }, `an operator's ${action.kind} of messages was undone`);
      return 'undone';
    },

    list: () => [...actions.values()].reverse(),

    stop: () => {
      stopped = true;
      for (const [id, cancel] of timers) {
        cancel();
        if (actions.get(id)?.state === 'pending') update(id, { state: 'undone' });
      }
      timers.clear();
    },
  };
}

/** Complete phone numbers do not belong in the log. */
function loggable(target: MessageTarget): MessageTarget {
  if ('id' in target || target.filter.text === undefined) return target;
  return { filter: { ...target.filter, text: shortenSender(target.filter.text) } };
}

/** Why the action makes no sense for this target; undefined when it does. Throws UNAVAILABLE. */
async function whyNot(
  kind: MessageActionKind,
  target: MessageTarget,
  admin: MessageActionsDeps['admin'],
): Promise<string | undefined> {
  const allowed = kind === 'retry' ? retriable : droppable;
  if ('filter' in target) {
    if (allowed.includes(target.filter.state)) return undefined;
    return `only messages that are ${kind === 'retry' ? 'waiting or ' : ''}dead-lettered can be ${past[kind]} together`;
  }
  const state = await stateOf(target.id, admin);
  if (state === undefined) return `message ${target.id} is unknown here, or has expired`;
  if (allowed.some((each) => each === state)) return undefined;
  return `message ${target.id} is ${stateTexts[state]}: ${reasons[kind]}`;
}

async function stateOf(
  id: string,
  admin: MessageActionsDeps['admin'],
): Promise<MessageView['state'] | undefined> {
  try {
    return (await admin.trace(id)).state;
  } catch (error) {
    if (error instanceof SwobError && error.code === 'NOT_FOUND') return undefined;
    throw error;
  }
}

const past = { retry: 'retried', drop: 'dropped' } as const;
const reasons = {
  retry: 'only one that waits or was dead-lettered can be retried',
  drop: 'only one that was dead-lettered can be dropped',
} as const;
const stateTexts: Readonly<Record<MessageView['state'], string>> = {
  published: 'published',
  waiting: 'waiting',
  sending: 'being sent just now',
  'dead-lettered': 'dead-lettered',
  'outcome unknown': 'dead-lettered with an unknown outcome',
  refused: 'refused',
};
