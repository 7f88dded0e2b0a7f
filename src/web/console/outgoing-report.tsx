// What is counted of outgoing SMS: today's by state and operator, and what nodes know of RabbitMQ, callbacks and errors. Used by
// the Outgoing view.

import type { OutgoingData } from '../../console/views/outgoing.ts';
import { Badge, Card, Empty, Note, Stat, Table } from '../shared/components.tsx';
import { Ago, formatTime } from '../shared/time.tsx';
import { Link } from './link.tsx';
import { type State, StateBar, states, totalOf } from './state-bar.tsx';

type Outcome = keyof OutgoingData['outcomes'];

const notes: Readonly<Record<State, string>> = {
  queued: 'no phone has reported',
  sent: 'by a phone',
  delivered: 'to the recipient',
  failed: 'with a reason each',
  expired: 'not in time',
  cancelled: 'before RabbitMQ had them',
};

export function Today(props: {
  readonly today: OutgoingData['today'];
  /** The list of those in this state. */
  readonly urlOf: (state: State) => string;
}) {
  const { since, latest, operators, overdue } = props.today;
  const scope =
    latest === undefined
      ? `since ${formatTime(since)}`
      : `the latest ${latest.toLocaleString('en')}, there are more`;
  return (
    <Card title="SMS today" actions={<span class="muted small">{scope}</span>}>
      <div class="stack">
        <div class="stats">
          {states.map((state) => (
            <Link key={state} class="stat-link" href={props.urlOf(state)}>
              <Stat
                label={state.charAt(0).toUpperCase() + state.slice(1)}
                value={props.today.states[state].toLocaleString('en')}
                note={notes[state]}
              />
            </Link>
          ))}
        </div>
        {overdue.count > 0 && (
          <Note tone="warn">
            {overdue.count.toLocaleString('en')} SMS of developers whose phones report have waited for a phone
            for over {overdue.minutes} minutes. Check that the phones are on, connected, and have credit.
          </Note>
        )}
        {operators.length === 0 ? (
          <Empty title="No outgoing SMS today" />
        ) : (
          <Table
            caption="Outgoing SMS of today by operator"
            rows={operators}
            keyOf={({ operator }) => operator}
            columns={[
              { title: 'Operator', cell: ({ operator }) => operator || 'unknown' },
              { title: 'SMS', isNumber: true, cell: (row) => totalOf(row.states).toLocaleString('en') },
              { title: 'States', cell: (row) => <StateBar counts={row.states} /> },
            ]}
          />
        )}
      </div>
    </Card>
  );
}

const outcomes: readonly { readonly name: Outcome; readonly title: string; readonly note: string }[] = [
  { name: 'sent', title: 'Taken', note: 'in a queue of gateway clients' },
  { name: 'unroutable', title: 'Unroutable', note: 'no gateway client for the operator' },
  { name: 'refused', title: 'Refused', note: 'the queue is full' },
  { name: 'unconfirmed', title: 'Unconfirmed', note: 'may have been sent' },
  { name: 'failed', title: 'Failed', note: 'RabbitMQ was unavailable' },
];

export function Counters({ data }: { readonly data: OutgoingData }) {
  const { callbacks, latency, since } = data;
  return (
    <>
      <Card title="RabbitMQ" actions={<span class="muted small">since {formatTime(since)}</span>}>
        <div class="stats">
          {outcomes.map(({ name, title, note }) => (
            <Stat key={name} label={title} value={data.outcomes[name].toLocaleString('en')} note={note} />
          ))}
          <Stat
            label="Time to the confirm"
            value={latency ? `${latency.p50} ms` : 'none yet'}
            note={
              latency
                ? `95 %: ${latency.p95} ms, longest: ${latency.max} ms, of the last ${latency.count}`
                : 'measured from the first SMS on'
            }
          />
        </div>
      </Card>
      <Card title="Callbacks today">
        <div class="stats">
          <Stat label="Delivered" value={callbacks.delivered} note="the developer has them" />
          <Stat label="Failed attempts" value={callbacks.failed} note="attempted again" />
          <Stat label="Refused" value={callbacks.refused} note="the URL may not be called" />
          <Stat label="Dead-lettered" value={callbacks.deadLettered} note="no longer attempted" />
          <Stat label="Waiting" value={data.waitingCallbacks} note="for another attempt" />
        </div>
      </Card>
      <Card title="Last errors">
        {data.errors.length === 0 ? (
          <Empty title="No error since the start" />
        ) : (
          <Table
            caption="Last errors of outgoing SMS and callbacks"
            rows={equalErrors(data.errors)}
            keyOf={keyOfError}
            columns={[
              { title: 'Last', isShort: true, cell: ({ at }) => <Ago at={at} /> },
              { title: 'Times', isNumber: true, cell: ({ times }) => times },
              { title: 'Outcome', cell: ({ outcome }) => <Badge tone="warn">{outcome}</Badge> },
              { title: 'Operator', cell: ({ operator }) => operator },
              { title: 'Developer', cell: ({ authId }) => authId },
              { title: 'Reason', cell: ({ reason }) => reason },
            ]}
          />
        )}
      </Card>
    </>
  );
}

export function PassedOver({ routes }: { readonly routes: OutgoingData['passedOver'] }) {
  if (routes.length === 0) return null;
  return (
    <Note tone="warn">
      <strong>Phones are passed over</strong> where others can take the SMS, for ten minutes each:
      <ul class="calls">
        {routes.map(({ route, why }) => (
          <li key={route}>
            <code>{route}</code>: {why === 'failed' ? 'they could not send' : 'they do not report'}
          </li>
        ))}
      </ul>
    </Note>
  );
}

type SendingError = OutgoingData['errors'][number];

function keyOfError({ outcome, operator, authId, reason }: SendingError): string {
  return JSON.stringify([outcome, operator, authId, reason]);
}

/** One failing URL or operator causes many that are the same. */
function equalErrors(errors: readonly SendingError[]): (SendingError & { readonly times: number })[] {
  const byKey = new Map<string, SendingError & { readonly times: number }>();
  for (const error of errors) {
    const key = keyOfError(error);
    const latest = byKey.get(key);
    byKey.set(key, latest ? { ...latest, times: latest.times + 1 } : { ...error, times: 1 });
  }
  return [...byKey.values()];
}

export function BrokerNote({ broker }: Pick<OutgoingData, 'broker'>) {
  return brokerNotes[broker];
}

const brokerNotes = {
  ok: null,
  unreachable: (
    <Note tone="bad">
      <p>
        The broker is unreachable: outgoing SMS are refused. Check <code>[broker] url</code> and that RabbitMQ
        runs.
      </p>
    </Note>
  ),
  blocked: (
    <Note tone="bad">
      The broker accepts nothing: it is out of memory or disk space. Look at RabbitMQ's alarms.
    </Note>
  ),
  slow: (
    <Note tone="bad">
      The broker does not confirm SMS in time: they may have been sent. Find out whether RabbitMQ hangs, or
      its disk is slow.
    </Note>
  ),
  'not configured': (
    <Note>
      <p>
        No broker is configured, so that no SMS can be sent. Set <code>[broker] url</code>.
      </p>
    </Note>
  ),
} as const;
