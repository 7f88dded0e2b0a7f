// The Outgoing view: today's outgoing SMS by state and operator, requests with their progress, messages, one message as a
// timeline, and their cancellation. Used by views.ts.

import { type Static, Type } from 'typebox';
import { mergeReports } from '../../domain/outgoing/merged-report.ts';
import {
  isPending,
  type MessageState,
  messageIdPattern,
  messageStates,
  type OutgoingMessage,
} from '../../domain/outgoing/message.ts';
import { matchesFilters } from '../../domain/outgoing/message-filters.ts';
import { stepsOf } from '../../domain/outgoing/message-history.ts';
import type { MessageOverview, RequestProgress, Today } from '../../domain/outgoing/message-overview.ts';
import type { MessageFilters } from '../../domain/outgoing/ports.ts';
import type { PassedOverRoute } from '../../domain/outgoing/routes-health.ts';
import type { SendingReport } from '../../domain/outgoing/sending-statistics.ts';
import type { Tracking } from '../../domain/outgoing/tracking.ts';
import type { TimelineStep } from '../../domain/shared/model.ts';
import { tableChanges } from '../table-changes.ts';
import {
  type ConsoleView,
  defineAction,
  defineView,
  missingPart,
  type NodesDeps,
  type NodesPart,
} from '../view.ts';

const brokerStates = ['unreachable', 'blocked', 'slow', 'ok', 'not configured'] as const;
type BrokerState = (typeof brokerStates)[number];

export interface OutgoingDeps extends NodesDeps {
  readonly outgoing: {
    report(): SendingReport;
    /** Callbacks that wait for another attempt. */
    waitingCallbacks(): Promise<number>;
    /** The states of a message whose callbacks wait. */
    waitingCallbacksOf(message: OutgoingMessage): Promise<readonly MessageState[]>;
    /** Undefined when no broker is configured. */
    readonly brokerState: (() => 'ok' | 'unreachable' | 'blocked' | 'slow') | undefined;
    /** Routes to phones that fail or do not report, by this node. */
    passedOver(): readonly Pick<PassedOverRoute, 'route' | 'why'>[];
    readonly overview: MessageOverview;
    readonly tracking: Pick<Tracking, 'list' | 'find' | 'cancel'>;
    /** A number in any spelling, in E.164 format; undefined when it is none. */
    numberOf(text: string): string | undefined;
  };
}

export interface OutgoingData extends SendingReport, NodesPart {
  /** The worst of all nodes. */
  readonly broker: BrokerState;
  readonly waitingCallbacks: number;
  /** By any node, each once. */
  readonly passedOver: readonly Pick<PassedOverRoute, 'route' | 'why'>[];
  readonly today: Today;
  /** The newest first; only when requests are listed. */
  readonly requests?: readonly RequestProgress[];
  /** The newest first, those of one request in its order; empty while requests are listed. */
  readonly messages: readonly OutgoingRow[];
  /** The `before` of the next page; it may be there although this one is short. */
  readonly next?: string;
  /** The request that the query names; null when it is unknown. */
  readonly request?: RequestProgress | null;
  /** The message that the query names; null when it is unknown. */
  readonly selected?: OutgoingDetails | null;
}

interface OutgoingRow
  extends Pick<OutgoingMessage, 'id' | 'uuid' | 'authId' | 'number' | 'operatorName' | 'state'> {
  /** When it got its state, Unix time in milliseconds. */
  readonly at: number;
  readonly reason?: string;
  /** When it may be sent, of one that waits in swob. */
  readonly waitsUntil?: number;
  readonly isPending: boolean;
}

export interface OutgoingDetails extends OutgoingRow {
  readonly steps: readonly TimelineStep[];
}

/** What an action of the view has done. */
export type OutgoingActionResult =
  | { readonly kind: 'cancelled'; readonly cancelled: number; readonly tooLate: number }
  | { readonly kind: 'too late'; readonly state: MessageState }
  | { readonly kind: 'unknown' };

const perPage = 50;
const authId = Type.String({ maxLength: 128 });
const uuid = Type.String({ minLength: 1, maxLength: 128 });
const id = Type.String({ pattern: messageIdPattern });
const query = Type.Object(
  {
    /** Requests are listed otherwise. */
    list: Type.Optional(Type.Literal('messages')),
    developer: Type.Optional(authId),
    /** Together with a developer, it selects a request. */
    uuid: Type.Optional(uuid),
    number: Type.Optional(Type.String({ maxLength: 100 })),
    operator: Type.Optional(Type.String({ maxLength: 128 })),
    state: Type.Optional(Type.Union(messageStates.map((state) => Type.Literal(state)))),
    from: Type.Optional(Type.String({ pattern: '^[0-9]{1,16}$', description: 'Unix time in milliseconds' })),
    before: Type.Optional(Type.String({ pattern: '^[0-9]{1,16}(-[0-9]{1,10})?$' })),
    /** The message whose timeline is shown. */
    id: Type.Optional(id),
  },
  { additionalProperties: false },
);
type Query = Static<typeof query>;

export function createOutgoingView({ outgoing, nodes }: OutgoingDeps): ConsoleView {
  const { overview, tracking, waitingCallbacksOf } = outgoing;
  const reports = nodes.share('outgoing', (_request: object) => ({
    report: outgoing.report(),
    broker: outgoing.brokerState?.() ?? ('not configured' as const),
    // Without the time that is left, which changes all the time.
    passedOver: outgoing.passedOver().map(({ route, why }) => ({ route, why })),
  }));

  const listOf = async (
    given: Query,
  ): Promise<Pick<OutgoingData, 'requests' | 'request' | 'messages' | 'next'>> => {
    const { developer, before } = given;
    const filters = filtersOf(given, outgoing.numberOf);
    if (developer !== undefined && given.uuid !== undefined) {
      const request = await overview.request(developer, given.uuid);
      if (!request) return { request: null, messages: [] };
      const { messages, ...progress } = request;
      const first = Number(before ?? 0) || 0;
      const matching = messages.filter((message) => matchesFilters(message, filters));
      const next = first + perPage;
      return {
        request: progress,
        messages: matching.slice(first, next).map(rowOf),
        ...(next < matching.length && { next: String(next) }),
      };
    }
    if (given.list === undefined) return { ...(await overview.requests(filters, before)), messages: [] };
    const page = await tracking.list(filters, {
      limit: perPage,
      ...(before !== undefined && { before }),
    });
    return { messages: page.messages.map(rowOf), ...(page.next !== undefined && { next: page.next }) };
  };
  const detailsOf = async (message: OutgoingMessage | undefined): Promise<OutgoingDetails | null> =>
    message ? { ...rowOf(message), steps: stepsOf(message, await waitingCallbacksOf(message)) } : null;

  return defineView({
    name: 'outgoing',
    query,
    // A search may read thousands of messages, and so may a list of large requests.
    everyMs: ({ number, operator, state, list }) =>
      [number, operator, state].some((value) => value !== undefined) ? 5_000 : list ? 2_000 : 3_000,
    changes: tableChanges<OutgoingData>('messages', 'id'),
    read: async (given): Promise<OutgoingData> => {
      const [{ responses, missing }, today, list, waitingCallbacks, selected] = await Promise.all([
        reports({}),
        overview.today(),
        listOf(given),
        outgoing.waitingCallbacks(),
        given.id === undefined ? undefined : tracking.find(given.id).then(detailsOf),
      ]);
      const passedOver = responses.flatMap(({ response }) => response.passedOver);
      const states = responses.map(({ response }) => response.broker);
      return {
        ...mergeReports(responses.map(({ response }) => response.report)),
        ...missingPart(missing),
        broker: brokerStates.find((state) => states.includes(state)) ?? 'not configured',
        passedOver: [...new Map(passedOver.map((each) => [each.route, each])).values()],
        waitingCallbacks,
        today,
        ...list,
        ...(selected !== undefined && { selected }),
      };
    },
    actions: {
      cancel: defineAction({
        body: Type.Object({ id }, { additionalProperties: false }),
        run: async (body): Promise<OutgoingActionResult> => {
          const message = await tracking.find(body.id);
          const [result] = message ? await tracking.cancel([message]) : [];
          if (!result) return { kind: 'unknown' };
          if (result.kind === 'too late') return { kind: 'too late', state: result.message.state };
          return { kind: 'cancelled', cancelled: 1, tooLate: 0 };
        },
      }),
      'cancel-request': defineAction({
        body: Type.Object({ developer: authId, uuid }, { additionalProperties: false }),
        run: async (body): Promise<OutgoingActionResult> => {
          const request = await overview.request(body.developer, body.uuid);
          if (!request) return { kind: 'unknown' };
          const pending = request.messages.filter(isPending);
          const results = await tracking.cancel(pending);
          const cancelled = results.filter(({ kind }) => kind === 'cancelled').length;
          const before = request.states.cancelled;
          return { kind: 'cancelled', cancelled, tooLate: request.messages.length - before - cancelled };
        },
      }),
    },
  });
}

function filtersOf(
  { developer, uuid, number = '', operator, state, from }: Query,
  numberOf: (text: string) => string | undefined,
): MessageFilters {
  const wanted = number.trim();
  return {
    ...(developer !== undefined && { authId: developer }),
    ...(uuid !== undefined && { uuid }),
    ...(wanted !== '' && { number: numberOf(wanted) ?? wanted }),
    ...(operator !== undefined && { operatorName: operator }),
    ...(state !== undefined && { state }),
    ...(from !== undefined && { since: Number(from) }),
  };
}

function rowOf(message: OutgoingMessage): OutgoingRow {
  const { id, uuid, authId, number, operatorName, state, times, reason, waitsUntil } = message;
  const waits = isPending(message);
  return {
    id,
    uuid,
    authId,
    number,
    operatorName,
    state,
    at: times[state] ?? times.queued,
    ...(reason !== undefined && { reason }),
    ...(waits && waitsUntil !== undefined && { waitsUntil }),
    isPending: waits,
  };
}
