// Runs an action of a view and keeps what it did, for the view to say. Used by the views.

import { useState } from 'preact/hooks';
import { runAction } from './api.ts';

export interface ActionState<Result> {
  readonly isRunning: boolean;
  readonly result: Result | undefined;
  /** Why it failed. */
  readonly error: string | undefined;
}

/** @returns what the last run did, and a function that runs the action */
export function useAction<Result>(
  view: string,
  action: string,
): [ActionState<Result>, (body: object) => Promise<void>] {
  const [state, setState] = useState<ActionState<Result>>({
    isRunning: false,
    result: undefined,
    error: undefined,
  });
  const run = async (body: object): Promise<void> => {
    setState({ isRunning: true, result: undefined, error: undefined });
    try {
      const result = await runAction<Result>(view, action, body);
      setState({ isRunning: false, result, error: undefined });
    } catch (failure) {
      const error = failure instanceof Error ? failure.message : String(failure);
      setState({ isRunning: false, result: undefined, error });
    }
  };
  return [state, run];
}
