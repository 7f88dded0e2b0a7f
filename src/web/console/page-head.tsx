// The head of a view: its title, whether its data is live, and its actions. Used by the views.

import type { ComponentChildren } from 'preact';
import { Badge, Note } from '../shared/components.tsx';
import { Ago } from '../shared/time.tsx';
import type { Live } from './live.ts';

export function PageHead(props: {
  readonly title: string;
  readonly live?: Live<unknown>;
  readonly children?: ComponentChildren;
}) {
  const { live } = props;
  return (
    <>
      <div class="page-head">
        <div class="row">
          <h1>{props.title}</h1>
          {live && <LiveBadge live={live} />}
        </div>
        {props.children}
      </div>
      {live?.fault !== undefined && <Note tone="bad">{live.fault}</Note>}
    </>
  );
}

function LiveBadge({ live }: { readonly live: Live<unknown> }) {
  if (live.state === 'live') return <Badge tone="good">● live</Badge>;
  if (live.state === 'loading') return <Badge>loading…</Badge>;
  return (
    <Badge tone="warn">
      {live.seenAt === undefined ? (
        'server away, trying again'
      ) : (
        <>
          server away, last seen <Ago at={live.seenAt} />
        </>
      )}
    </Badge>
  );
}
