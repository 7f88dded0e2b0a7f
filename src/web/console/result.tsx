// What an action has done, as a note that screen readers announce. Used by the views with actions.

import type { ComponentChildren, VNode } from 'preact';
import { useState } from 'preact/hooks';
import { Note } from '../shared/components.tsx';

export interface ActionResult {
  readonly tone: 'good' | 'bad';
  readonly text: ComponentChildren;
}

/** @returns the note, and a function that runs an action and shows its result, or why it failed */
export function useResult(): [VNode, (action: () => Promise<ActionResult>) => Promise<void>] {
  const [result, setResult] = useState<ActionResult>();
  const report = async (action: () => Promise<ActionResult>): Promise<void> => {
    try {
      setResult(await action());
    } catch (error) {
      setResult({ tone: 'bad', text: error instanceof Error ? error.message : String(error) });
    }
  };
  return [<div aria-live="polite">{result && <Note tone={result.tone}>{result.text}</Note>}</div>, report];
}
