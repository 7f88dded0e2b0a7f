// The Outgoing view: what became of today's outgoing SMS and callbacks, and the last errors.

import type { OutgoingData } from '../../../console/views/outgoing.ts';
import { Badge, Card, Empty, Note, Skeleton, Stat, Table } from '../../shared/components.tsx';
import { Ago, formatTime } from '../../shared/time.tsx';
import { useLive } from '../live.ts';
import { PageHead } from '../page-head.tsx';
import type { PageView } from '../view.ts';

type Outcome = keyof OutgoingData['outcomes'];

const outcomes: readonly { readonly name: Outcome; readonly title: string; readonly note: string }[] = [
  { name: 'sent', title: 'Sent', note: 'in a queue of gateway clients' },
  { name: 'unroutable', title: 'Unroutable', note: 'no gateway client for the operator' },
  { name: 'refused', title: 'Refused', note: 'the queue is full' },
  { name: 'unconfirmed', title: 'Unconfirmed', note: 'may have been sent' },
  { name: 'failed', title: 'Failed', note: 'the broker was unavailable' },
];

function Outgoing() {
  const live = useLive<OutgoingData>('outgoing');
  const { data } = live;
  return (
    <>
      <PageHead title="Outgoing" live={live}>
        {data && <span class="muted">this gateway, since {formatTime(data.since)}</span>}
      </PageHead>
      {data ? <Report data={data} /> : <Skeleton lines={12} />}
    </>
  );
}

function Report({ data }: { readonly data: OutgoingData }) {
  const { callbacks, latency } = data;
  return (
    <>
      {brokerNotes[data.broker]}
      <Card title="SMS today">
        <div class="grid">
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
      <Card title="By operator">
        {data.operators.length === 0 ? (
          <Empty title="No outgoing SMS today">
            <p>
              Developers send them by <code>POST /v1/sms</code>; see the documentation of outgoing SMS.
            </p>
          </Empty>
        ) : (
          <Table
            caption="Outgoing SMS of today by operator"
            rows={data.operators}
            keyOf={({ operator }) => operator}
            columns={[
              { title: 'Operator', cell: ({ operator }) => operator || 'unknown' },
              ...outcomes.map(({ name, title }) => ({
                title,
                isNumber: true,
                cell: ({ counts }: OutgoingData['operators'][number]) => counts[name].toLocaleString('en'),
              })),
            ]}
          />
        )}
      </Card>
      <Card title="Callbacks today">
        <div class="grid">
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
            rows={data.errors.map((error, index) => ({ ...error, index }))}
            keyOf={({ at, index }) => `${at} ${index}`}
            columns={[
              { title: 'Time', cell: ({ at }) => <Ago at={at} /> },
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
  'not configured': (
    <Note>
      <p>
        No broker is configured, so that no SMS can be sent. Set <code>[broker] url</code>.
      </p>
    </Note>
  ),
} as const;

export const outgoingView: PageView = { name: 'outgoing', title: 'Outgoing', View: Outgoing };
