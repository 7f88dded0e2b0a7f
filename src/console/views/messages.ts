// The Messages view: search, the history of one message, and retry and drop with an undo window. Used by views.ts.

import { type Static, Type } from 'typebox';
import type {
  MessageAction,
  MessageActions,
  MessageTarget,
  Operator,
} from '../../domain/inbound/message-actions.ts';
import type { MessageAdmin, MessageView } from '../../domain/inbound/message-admin.ts';
import { type MessageFilter, searchStates } from '../../domain/inbound/message-query.ts';
import type { MessagePage, MessageSearch } from '../../domain/inbound/message-search.ts';
import type { NodeMessages } from '../../domain/inbound/node-messages.ts';
import { SwobError } from '../../errors.ts';
import { tableChanges } from '../table-changes.ts';
import {
  type ActionContext,
  type ConsoleView,
  defineAction,
  defineView,
  missingPart,
  type NodesDeps,
  type NodesPart,
} from '../view.ts';

export interface MessagesDeps extends NodesDeps {
  readonly messages: {
    readonly search: MessageSearch;
    readonly actions: MessageActions;
    readonly admin: Pick<MessageAdmin, 'trace' | 'counts'>;
    readonly memories: NodeMessages;
  };
}

export interface MessagesData extends Omit<MessagePage, 'missing'>, NodesPart {
  /** Time of the server, Unix time in milliseconds. */
  readonly now: number;
  readonly perPage: number;
  readonly counts: { readonly waiting: number; readonly deadLetters: number };
  /** The message that the query names; null when it is unknown. */
  readonly selected?: MessageView | null;
  /** Requested retries and drops, the latest first. */
  readonly actions: readonly MessageAction[];
}

/** What an action of the view has done. */
export type MessagesActionResult =
  | { readonly kind: 'pending'; readonly action: MessageAction }
  | { readonly kind: 'not possible'; readonly reason: string }
  | { readonly kind: 'undone' | 'too late' | 'unknown' };

/** What one node says goes before that others do not know the action. */
const undoResults = ['undone', 'too late'] as const;
const perPage = 50;
const time = Type.Optional(
  Type.String({ pattern: '^[0-9]{1,16}$', description: 'Unix time in milliseconds' }),
);
const filterMembers = {
  text: Type.Optional(Type.String({ maxLength: 100 })),
  state: Type.Optional(Type.Union(searchStates.map((state) => Type.Literal(state)))),
  from: time,
  to: time,
};
const messageId = Type.String({ pattern: '^[0-9a-f]{32}$' });
const filterSchema = Type.Object(filterMembers, { additionalProperties: false });
const idSchema = Type.Object({ id: messageId }, { additionalProperties: false });
const actionSchema = Type.Object({ id: Type.String({ maxLength: 64 }) }, { additionalProperties: false });

const query = Type.Object(
  {
    ...filterMembers,
    /** From 1. */
    page: Type.Optional(Type.String({ pattern: '^[1-9][0-9]{0,5}$' })),
    /** The message whose history is shown. */
    id: Type.Optional(messageId),
  },
  { additionalProperties: false },
);

export function createMessagesView({ messages, nodes }: MessagesDeps): ConsoleView {
  const { search, actions, admin, memories } = messages;
  const listActions = nodes.share('message actions', (_request: object) => ({ actions: actions.list() }));
  const undo = nodes.share(
    'undo of a message action',
    ({ id, by }: { readonly id: string; readonly by: Operator }) => ({ kind: actions.undo(id, by) }),
    { reuseMs: 0 },
  );
  const request = async (
    kind: MessageAction['kind'],
    target: MessageTarget,
    { operator, address }: ActionContext,
  ): Promise<MessagesActionResult> => actions.request(kind, target, { operator, address });
  const single = (kind: MessageAction['kind']) =>
    defineAction({ body: idSchema, run: ({ id }, context) => request(kind, { id }, context) });
  const all = (kind: MessageAction['kind']) =>
    defineAction({
      body: filterSchema,
      run: (filter, context) => request(kind, { filter: filterOf(filter) }, context),
    });
  const trace = async (id: string): Promise<MessageView | null> => {
    try {
      return await admin.trace(id);
    } catch (error) {
      if (!(error instanceof SwobError) || error.code !== 'NOT_FOUND') throw error;
      return (await memories.refused(id)).message ?? null;
    }
  };

  return defineView({
    name: 'messages',
    query,
    everyMs: 2_000,
    changes: tableChanges<MessagesData>('messages', 'id'),
    read: async ({ page = '1', id, ...filter }, { now }): Promise<MessagesData> => {
      const offset = (Number(page) - 1) * perPage;
      const { missing, ...found } = await search.find(filterOf(filter), { offset, limit: perPage });
      const requested = await listActions({});
      return {
        ...found,
        ...missingPart(missing, requested.missing),
        perPage,
        counts: await admin.counts(),
        now,
        actions: shownActions(
          requested.responses.flatMap(({ response }) => response.actions),
          now,
        ),
        ...(id !== undefined && { selected: await trace(id) }),
      };
    },
    actions: {
      retry: single('retry'),
      drop: single('drop'),
      'retry-all': all('retry'),
      'drop-all': all('drop'),
      undo: defineAction({
        body: actionSchema,
        run: async ({ id }, { operator, address }): Promise<MessagesActionResult> => {
          const { responses, missing } = await undo({ id, by: { operator, address } });
          const kinds = responses.map(({ response }) => response.kind);
          const kind = undoResults.find((each) => kinds.includes(each)) ?? 'unknown';
          const [absent] = missing;
          if (kind === 'unknown' && absent)
            throw new SwobError(
              'UNAVAILABLE',
              `node ${absent.node} has not answered, and may have this action; try again`,
            );
          return { kind };
        },
      }),
    },
  });
}

function filterOf({ text, state, from, to }: Static<typeof filterSchema>): MessageFilter {
  return {
    ...(text !== undefined && { text }),
    ...(state !== undefined && { state }),
    ...(from !== undefined && { from: Number(from) }),
    ...(to !== undefined && { to: Number(to) }),
  };
}

/** Those that are done stay in sight for a while. */
const shownMs = 600_000;

/** Of all nodes, the latest first. */
function shownActions(all: readonly MessageAction[], now: number): readonly MessageAction[] {
  return all
    .toSorted((a, b) => b.requestedAt - a.requestedAt)
    .filter(({ state, runsAt }) => state === 'pending' || state === 'running' || now - runsAt < shownMs);
}
