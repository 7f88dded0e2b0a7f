// The lists of the Outgoing view: requests with their progress, and messages.

import type { OutgoingData } from '../../console/views/outgoing.ts';
import { Badge, Empty, Table } from '../shared/components.tsx';
import { Ago } from '../shared/time.tsx';
import { Link } from './link.tsx';
import { StateBar, stateTones, totalOf } from './state-bar.tsx';

type Request = NonNullable<OutgoingData['requests']>[number];
type Message = OutgoingData['messages'][number];

function Nothing({ isFiltered, isCut }: { readonly isFiltered: boolean; readonly isCut: boolean }) {
  if (isCut)
    return <Empty title="None so far">Thousands of messages were searched; older ones may match.</Empty>;
  if (isFiltered)
    return (
      <Empty title="No SMS matches">
        Operators have to be complete, numbers in any spelling. Messages are kept for [outgoing] keep.
      </Empty>
    );
  return (
    <Empty title="No outgoing SMS yet">
      <p>
        Developers send them by <code>POST /v1/sms</code>; see the documentation of outgoing SMS.
      </p>
    </Empty>
  );
}

export function RequestTable(props: {
  readonly requests: readonly Request[];
  readonly isFiltered: boolean;
  readonly isCut: boolean;
  readonly urlOf: (request: Request) => string;
}) {
  const { requests, urlOf, ...nothing } = props;
  if (requests.length === 0) return <Nothing {...nothing} />;
  return (
    <Table
      caption="Requests for outgoing SMS"
      rows={requests}
      keyOf={({ authId, uuid }) => `${authId} ${uuid}`}
      columns={[
        {
          title: 'Request',
          cell: (request) => (
            <Link href={urlOf(request)}>
              <code>{shorten(request.uuid)}</code>
            </Link>
          ),
        },
        { title: 'Developer', cell: ({ authId }) => authId },
        { title: 'When', isShort: true, cell: ({ at }) => <Ago at={at} /> },
        { title: 'SMS', isNumber: true, cell: ({ states }) => totalOf(states).toLocaleString('en') },
        { title: 'Progress', cell: ({ states }) => <StateBar counts={states} /> },
      ]}
    />
  );
}

const maxShown = 36;

function shorten(text: string): string {
  return text.length > maxShown ? `${text.slice(0, maxShown)}…` : text;
}

export function OutgoingMessageTable(props: {
  readonly messages: readonly Message[];
  readonly isFiltered: boolean;
  readonly isCut: boolean;
  readonly urlOf: (id: string) => string;
}) {
  const { messages, urlOf, ...nothing } = props;
  if (messages.length === 0) return <Nothing {...nothing} />;
  return (
    <Table
      caption="Outgoing SMS"
      rows={messages}
      keyOf={({ id }) => id}
      columns={[
        {
          title: 'Number',
          isShort: true,
          cell: ({ id, number }) => <Link href={urlOf(id)}>{shorten(number)}</Link>,
        },
        { title: 'State', cell: ({ state }) => <Badge tone={stateTones[state]}>{state}</Badge> },
        { title: 'Since', isShort: true, cell: ({ at }) => <Ago at={at} /> },
        { title: 'Operator', cell: ({ operatorName }) => operatorName || <span class="muted">unknown</span> },
        { title: 'Developer', cell: ({ authId }) => authId },
        { title: 'Why', cell: whyOf },
      ]}
    />
  );
}

function whyOf({ reason, isPending, waitsUntil }: Message) {
  if (reason !== undefined) return <span class="small">{reason}</span>;
  if (!isPending) return null;
  return (
    <span class="small">
      waits
      {waitsUntil !== undefined && (
        <>
          , to be sent <Ago at={waitsUntil} />
        </>
      )}
    </span>
  );
}
