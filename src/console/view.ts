// What a view of the console is on the server: the data that it shows, and what an operator can do there. Each file of
// views/ makes one; view-routes.ts derives the routes from it.

import type { Static, TObject } from 'typebox';
import type { MissingNode, NodeRequests } from '../domain/shared/node-requests.ts';
import type { IdentifiedContext } from '../domain/shared/ports.ts';

export interface ViewContext {
  /** Unix time in milliseconds at which the view is read. */
  readonly now: number;
}

/** What a view needs to show what each node knows alone. */
export interface NodesDeps {
  readonly nodes: Pick<NodeRequests, 'share'>;
}

/** In the data of such a view. */
export interface NodesPart {
  /** The nodes whose part is missing, if any. */
  readonly missing?: readonly MissingNode[];
}

export function missingPart(...missing: readonly (readonly MissingNode[])[]): NodesPart {
  const byName = new Map(missing.flat().map((each) => [each.node, each]));
  return byName.size > 0 ? { missing: [...byName.values()] } : {};
}

export interface ActionContext extends IdentifiedContext {
  /** Unix time in milliseconds. */
  readonly now: number;
  /** Who acts, for logs: the first characters of the session's id, or `token` for a script with the admin token. */
  readonly operator: string;
}

/** `POST /console/api/<view>/<action>`. */
export interface ConsoleAction {
  readonly body: TObject;
  /** @returns what it did, as a union by `kind`; throws SwobError for failures */
  run(body: unknown, context: ActionContext): Promise<object>;
}

export interface ConsoleView {
  /** In URLs: `/console/api/<name>`. */
  readonly name: string;
  /** Members are strings, as in a URL; each with a `maxLength`, a pattern or literals. */
  readonly query: TObject;
  /** The data of the view, which becomes JSON. Pages with an equal query share one call. */
  read(query: unknown, context: ViewContext): Promise<object>;
  /** How often the data is read while a page shows it, in milliseconds. */
  everyMs(query: unknown): number;
  /**
   * What a page with the earlier data needs to have the later one, for views with much data; undefined when they are equal. Without
   * it, all data is sent whenever it has changed.
   */
  readonly changes: ((before: object, after: object) => object | undefined) | undefined;
  readonly actions: Readonly<Record<string, ConsoleAction>>;
}

/** Checks the types of a view; routes validate query and bodies by the schemas before they call it. */
export function defineView<Query extends TObject, Data extends object>(view: {
  readonly name: string;
  readonly query: Query;
  readonly read: (query: Static<Query>, context: ViewContext) => Promise<Data>;
  readonly everyMs: number | ((query: Static<Query>) => number);
  readonly changes?: (before: Data, after: Data) => object | undefined;
  readonly actions?: Readonly<Record<string, ConsoleAction>>;
}): ConsoleView {
  const { everyMs, changes } = view;
  return {
    name: view.name,
    query: view.query,
    actions: view.actions ?? {},
    read: (query, context) => view.read(query as Static<Query>, context),
    everyMs: (query) => (typeof everyMs === 'number' ? everyMs : everyMs(query as Static<Query>)),
    // Both come from `read`.
    changes: changes && ((before, after) => changes(before as Data, after as Data)),
  };
}

/** The same for an action. */
export function defineAction<Body extends TObject>(action: {
  readonly body: Body;
  readonly run: (body: Static<Body>, context: ActionContext) => Promise<object>;
}): ConsoleAction {
  return { body: action.body, run: (body, context) => action.run(body as Static<Body>, context) };
}
