// Links to the parts of a view. Used by the views.

import { Link } from './link.tsx';

export function Tabs(props: {
  readonly label: string;
  readonly tabs: readonly { readonly title: string; readonly href: string; readonly isCurrent: boolean }[];
}) {
  return (
    <nav class="tabs" aria-label={props.label}>
      {props.tabs.map(({ title, href, isCurrent }) => (
        <Link key={title} href={href} isCurrent={isCurrent}>
          {title}
        </Link>
      ))}
    </nav>
  );
}
