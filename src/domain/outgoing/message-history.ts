// One outgoing message as a timeline for operators: what happened to it, what it waits for, and which callbacks do. Used by the
// console.

import type { TimelineStep } from '../shared/model.ts';
import { isFinal, type MessageState, messageStates, type OutgoingMessage } from './message.ts';

/** @param waitingCallbacks states whose callbacks are not delivered yet */
export function stepsOf(
  message: OutgoingMessage,
  waitingCallbacks: readonly MessageState[],
): readonly TimelineStep[] {
  return [
    queuedStep(message),
    ...handoverSteps(message),
    ...stateSteps(message),
    ...openSteps(message),
    ...callbackSteps(message, waitingCallbacks),
  ];
}

function queuedStep({ authId, times, encoding, parts }: OutgoingMessage): TimelineStep {
  const size = parts === 1 ? 'one part' : `${parts} parts`;
  return {
    tone: 'neutral',
    event: `requested by ${authId}`,
    at: times.queued,
    details: parts === 0 ? [] : [`${encoding}, ${size}`],
  };
}

function handoverSteps({
  handover,
  publishingAt,
  acceptedAt,
  route,
  state,
}: OutgoingMessage): TimelineStep[] {
  if (handover === 'accepted') {
    const event = 'RabbitMQ has it, in the queue of a phone';
    const details = route === undefined ? [] : [`route ${route}`];
    return [{ tone: 'neutral', event, ...(acceptedAt !== undefined && { at: acceptedAt }), details }];
  }
  if (handover === 'pending' || (handover === 'publishing' && isFinal(state))) return [];
  const at = publishingAt === undefined ? {} : { at: publishingAt };
  if (handover === 'publishing')
    return [{ tone: 'neutral', event: 'being handed to RabbitMQ', ...at, details: [] }];
  return [
    {
      tone: 'warn',
      event: 'handed to RabbitMQ, which did not confirm it',
      ...at,
      details: ['it may have been sent, and is never sent again'],
    },
  ];
}

const stateEvents: Readonly<Record<Exclude<MessageState, 'queued'>, Pick<TimelineStep, 'tone' | 'event'>>> = {
  sent: { tone: 'neutral', event: 'a phone has sent it' },
  delivered: { tone: 'good', event: 'delivered' },
  failed: { tone: 'bad', event: 'failed' },
  expired: { tone: 'bad', event: 'expired' },
  cancelled: { tone: 'warn', event: 'cancelled' },
};

function stateSteps(message: OutgoingMessage): TimelineStep[] {
  const { times, state, reason } = message;
  return messageStates.flatMap((each) => {
    const at = times[each];
    if (each === 'queued' || at === undefined) return [];
    const isReasonOf = each === state && reason !== undefined;
    return { ...stateEvents[each], at, details: isReasonOf ? [reason] : [] };
  });
}

/** What is reported in part, and what the message waits for. */
function openSteps(message: OutgoingMessage): TimelineStep[] {
  const { state, handover, scheduledAt, waitsUntil, validUntil, parts, sentParts, deliveredParts } = message;
  if (isFinal(state)) return [];
  const reported = [
    ...(sentParts.length > 0 ? [`${sentParts.length} of ${parts} parts sent`] : []),
    ...(deliveredParts.length > 0 ? [`${deliveredParts.length} of ${parts} parts delivered`] : []),
  ];
  const validity = validUntil === undefined ? [] : [{ event: 'valid until', at: validUntil }];
  const steps: TimelineStep[] = validity.map((each) => ({ ...each, tone: 'neutral', details: [] }));
  if (reported.length > 0) steps.unshift({ tone: 'neutral', event: 'reported in part', details: reported });
  else if (state === 'queued' && handover === 'accepted')
    steps.unshift({
      tone: 'neutral',
      event: 'no phone has reported on it',
      details: ['phones that do not report leave it so'],
    });
  if (handover !== 'pending') return steps;
  const until = waitsUntil ?? scheduledAt;
  const why = [
    ...(scheduledAt !== undefined && scheduledAt === until ? ['the developer chose this time'] : []),
    ...(until !== undefined && scheduledAt !== until ? ['for a rate limit or quiet hours'] : []),
    ...(until === undefined ? ['for RabbitMQ'] : []),
  ];
  return [
    {
      tone: 'warn',
      ...(until === undefined ? { event: 'waits in swob' } : { event: 'waits in swob until', at: until }),
      details: why,
    },
    ...steps,
  ];
}

function callbackSteps(
  { callbacks, unreported }: OutgoingMessage,
  waiting: readonly MessageState[],
): TimelineStep[] {
  const states = messageStates.filter((state) => waiting.includes(state) || unreported.includes(state));
  if (!callbacks || states.length === 0) return [];
  const urls = callbacks.urls.length === 1 ? 'one URL' : `${callbacks.urls.length} URLs`;
  return [
    { tone: 'warn', event: `callbacks wait: ${states.join(', ')}`, details: [`to ${urls} of the developer`] },
  ];
}
