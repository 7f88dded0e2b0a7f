// A dialog that says what an action will do before it is requested. Used by the views that have actions.

import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';

export interface Confirmation {
  /** What is asked, such as `Drop this message?`. */
  readonly title: string;
  /** What will happen. */
  readonly text: ComponentChildren;
  /** The label of the button that confirms. */
  readonly button: string;
  readonly isDangerous?: boolean;
  readonly run: () => void;
}

/** Shows the confirmation, if there is one; the focus stays in it, and Escape cancels. */
export function ConfirmDialog(props: {
  readonly confirmation: Confirmation | undefined;
  readonly onClose: () => void;
}) {
  const dialog = useRef<HTMLDialogElement>(null);
  const { confirmation, onClose } = props;
  useEffect(() => {
    if (confirmation && dialog.current?.open === false) dialog.current.showModal();
  }, [confirmation]);
  if (!confirmation) return null;
  const confirm = (): void => {
    dialog.current?.close();
    confirmation.run();
  };
  return (
    <dialog ref={dialog} aria-labelledby="confirm-title" aria-describedby="confirm-text" onClose={onClose}>
      <div class="stack">
        <h2 id="confirm-title">{confirmation.title}</h2>
        <div id="confirm-text" class="stack">
          {confirmation.text}
        </div>
        <div class="row">
          <button
            type="button"
            class={confirmation.isDangerous ? 'button danger' : 'button primary'}
            onClick={confirm}
          >
            {confirmation.button}
          </button>
          <button type="button" class="button" onClick={() => dialog.current?.close()}>
            Cancel
          </button>
        </div>
      </div>
    </dialog>
  );
}
