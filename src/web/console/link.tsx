// A link to a view that does not load the page. Used by the shell and the views.

import type { ComponentChildren } from 'preact';
import { navigate } from './router.ts';

export function Link(props: {
  readonly href: string;
  readonly class?: string;
  readonly isCurrent?: boolean;
  readonly children: ComponentChildren;
}) {
  const onClick = (event: MouseEvent): void => {
    // A click with a key opens a tab or a window, or downloads.
    if (event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    navigate(props.href);
  };
  return (
    <a
      href={props.href}
      class={props.class}
      aria-current={props.isCurrent ? 'page' : undefined}
      onClick={onClick}
    >
      {props.children}
    </a>
  );
}
