// A button that copies a text, and says that it has. Used by the views.

import { useState } from 'preact/hooks';

export function CopyButton({ text, label }: { readonly text: string; readonly label: string }) {
  const [outcome, setOutcome] = useState<string>();
  const copy = async (): Promise<void> => {
    try {
      // Undefined on a page without TLS, except on this machine.
      await navigator.clipboard.writeText(text);
      setOutcome('Copied');
    } catch {
      setOutcome('Not possible here');
    }
  };
  return (
    <button
      type="button"
      class="button plain"
      aria-label={outcome === undefined ? label : outcome}
      onClick={copy}
    >
      {outcome ?? 'Copy'}
    </button>
  );
}
