// What a view of the console is on the server: the data that it shows, and what an operator can do there. Each file of
// views/ makes one; view-routes.ts derives the routes from it.

import type { Static, TObject } from 'typebox';
import type { RequestContext } from '../domain/shared/ports.ts';

export interface ViewContext {
  /** Unix time in milliseconds at which the view is read. */
  readonly now: number;
}

export interface ActionContext extends RequestContext {
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
  readonly everyMs: number;
  readonly actions: Readonly<Record<string, ConsoleAction>>;
}

/** Checks the types of a view; routes validate query and bodies by the schemas before they call it. */
export function defineView<Query extends TObject>(view: {
  readonly name: string;
  readonly query: Query;
  readonly read: (query: Static<Query>, context: ViewContext) => Promise<object>;
  readonly everyMs: number;
  readonly actions?: Readonly<Record<string, ConsoleAction>>;
}): ConsoleView {
  return { actions: {}, ...view, read: (query, context) => view.read(query as Static<Query>, context) };
}

/** The same for an action. */
export function defineAction<Body extends TObject>(action: {
  readonly body: Body;
  readonly run: (body: Static<Body>, context: ActionContext) => Promise<object>;
}): ConsoleAction {
  return { body: action.body, run: (body, context) => action.run(body as Static<Body>, context) };
}
