// The head of a view: its title, whether its data is live, and its actions. Used by the views.

import type { ComponentChildren } from 'preact';
import type { NodesPart } from '../../console/view.ts';
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
      <MissingNodes data={live?.data} />
    </>
  );
}

function LiveBadge({ live }: { readonly live: Live<unknown> }) {
  if (live.state === 'live') return <Badge tone="good">● live</Badge>;
  if (live.state === 'loading') return <Badge>loading…</Badge>;
  if (live.state === 'refused') return <Badge tone="warn">refused, trying again</Badge>;
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

const missingTexts = {
  'no response': 'did not respond',
  version: 'runs another version of swob',
  'too much': 'has too much to show; narrow it by the filter',
  failed: 'could not read its part; its log says why',
} as const;

/** The nodes whose part is missing in the data of a view. */
function MissingNodes({ data }: { readonly data: unknown }) {
  const { missing } = (data ?? {}) as NodesPart;
  if (!missing) return null;
  return (
    <Note tone="warn">
      What only {missing.length === 1 ? 'this node knows' : 'these nodes know'} is missing here:{' '}
      {missing.map(({ node, reason }) => `${node} ${missingTexts[reason]}`).join('; ')}.
    </Note>
  );
}
