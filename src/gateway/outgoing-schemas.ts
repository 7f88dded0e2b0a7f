// The JSON of outgoing messages in responses. Used by the routes of developers and operators.

import { Type } from 'typebox';
import { encodings, handovers, messageStates, type OutgoingMessage } from '../domain/outgoing/message.ts';
import { SwobError } from '../errors.ts';

const time = (description: string) => Type.Optional(Type.String({ description: `${description}, ISO 8601` }));

/** As `messageSummary` has it. */
export const messageSummaryMembers = {
  id: Type.String({ description: 'As phones report on it' }),
  number: Type.String(),
  operator_name: Type.String(),
  state: Type.Enum([...messageStates]),
  reason: Type.Optional(Type.String({ description: 'Why it failed or expired' })),
  encoding: Type.Enum([...encodings]),
  parts: Type.Integer({ description: 'Parts in which a phone sends it' }),
  waits_until: time(
    'While it waits for its time, a rate limit or quiet hours: when it is sent at the earliest',
  ),
  valid_until: time('It is not sent later'),
};

/** As `messageDetails` has it. */
export const messageDetailMembers = {
  ...messageSummaryMembers,
  uuid: Type.String({ description: 'Of its request' }),
  times: Type.Record(Type.String(), Type.String(), {
    description: 'When it entered each state that it has had, ISO 8601',
  }),
  handover: Type.Enum([...handovers], {
    description:
      'pending: RabbitMQ does not have it yet; accepted: it has; unknown: it may have it, and it is not sent again',
  }),
  accepted_at: time('When RabbitMQ confirmed it'),
  route: Type.Optional(Type.String({ description: 'The routing key with which RabbitMQ took it' })),
  schedule_at: time('The time that the developer chose'),
};

export const message = Type.Object(messageDetailMembers);

export const cancellation = Type.Object({
  ...messageDetailMembers,
  cancelled: Type.Boolean({ description: 'false: RabbitMQ may have it already, or it is in a final state' }),
});

/** CONFLICT */
export function tooLateToCancel({ state }: OutgoingMessage): SwobError {
  return new SwobError(
    'CONFLICT',
    `too late to cancel: the SMS is ${state === 'queued' ? 'queued, and RabbitMQ may have it' : state}`,
  );
}
