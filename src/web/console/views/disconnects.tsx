// The Disconnects view: what became of requests to log Wi-Fi users out. disconnect-details.tsx has a single request, and
// token-form.tsx the form for a token.

import type { TableChange } from '../../../console/table-changes.ts';
import type { DisconnectsData } from '../../../console/views/disconnects.ts';
import { Badge, Card, Empty, Note, SelectField, Skeleton, Stat, Table } from '../../shared/components.tsx';
import { Ago, formatTime } from '../../shared/time.tsx';
import { DisconnectCard, outcomeTones } from '../disconnect-details.tsx';
import { Link } from '../link.tsx';
import { CursorPager, cardData, ListCard, SearchField, SinceField, useFilter, useKept } from '../list.tsx';
import { useLive } from '../live.ts';
import { PageHead } from '../page-head.tsx';
import { applyTableChange } from '../table-changes.ts';
import { TokenForm } from '../token-form.tsx';
import type { PageView } from '../view.ts';

type Report = DisconnectsData['report'];

const members = ['text', 'outcome', 'from', 'before', 'id'];
const applyChange = applyTableChange<DisconnectsData>('records', 'id');
const outcomes = [
  { value: '', label: 'Any' },
  ...Object.keys(outcomeTones).map((value) => ({ value, label: value })),
];

function Disconnects() {
  const { filter, urlWith, change: changeFilter } = useFilter('disconnects', members);
  const { text = '', outcome = '', from = '', before = '', id = '' } = filter;
  const live = useLive<DisconnectsData, TableChange>('disconnects', filter, applyChange);
  const data = useKept(live.data);
  /** Another filter begins with its first page, and closes the request that is open. */
  const change = (changed: Readonly<Record<string, string>>): void =>
    changeFilter({ before: '', id: '', ...changed });
  const urlOfRecord = (record: string): string => urlWith({ id: record });
  const isFiltered = text !== '' || outcome !== '' || from !== '';
  return (
    <>
      <PageHead title="Disconnects" live={live}>
        {data?.isRunningSomewhere && <span class="muted">since {formatTime(data.report.since)}</span>}
      </PageHead>
      {data && !data.isRunning && <NotRunning isShared={data.isShared} />}
      {data?.isRunningSomewhere && <Today report={data.report} />}
      {id !== '' && (
        <DisconnectCard id={id} data={cardData(live.data, data)} closeUrl={urlWith({ id: '', before })} />
      )}
      <ListCard
        title="Requests"
        live={live}
        filters={
          <>
            <SearchField
              label="MAC, user, session or NAS"
              value={text}
              placeholder="fc:45:96:5f:50:ac"
              onSearch={(wanted) => change({ text: wanted })}
            />
            <SelectField
              label="Outcome"
              value={outcome}
              options={outcomes}
              onChange={(chosen) => change({ outcome: chosen })}
            />
            <SinceField label="Requested" from={from} onChange={(chosen) => change({ from: chosen })} />
          </>
        }
        list={
          data && (
            <>
              <RequestTable data={data} isFiltered={isFiltered} urlOfRecord={urlOfRecord} />
              <CursorPager
                isFirst={before === ''}
                firstUrl={urlWith({ before: '', id: '' })}
                nextUrl={data.next === undefined ? undefined : urlWith({ before: data.next, id: '' })}
                next="Older requests"
              />
            </>
          )
        }
      />
      {data?.isRunning && <TokenForm urlOfRequest={(request) => urlWith({ ...noFilter, text: request })} />}
      {data?.isRunningSomewhere && <Backends report={data.report} backend={data.backend} />}
      {data?.isRunningSomewhere && <LastErrors report={data.report} urlOfRecord={urlOfRecord} />}
      {!data && <Skeleton lines={6} />}
    </>
  );
}

const noFilter = { outcome: '', from: '', before: '', id: '' };

function NotRunning({ isShared }: { readonly isShared: boolean }) {
  return (
    <Note>
      <p>
        <strong>This process does not run the disconnect service</strong>, so that it logs nobody out.{' '}
        {isShared
          ? 'The list has the requests of the other nodes that share its store.'
          : 'A disconnect service in another process keeps a trail of its own: `swob disconnects list` shows it.'}
      </p>
      <p>
        To run it here, set <code>[validation] public_key</code> to the key that the portal signs with, and
        start <code>swob serve gateway sync disconnect</code>.
      </p>
    </Note>
  );
}

function Today({ report }: { readonly report: Report }) {
  const countOf = (...names: readonly string[]): string =>
    report.outcomes
      .filter(({ outcome }) => names.includes(outcome))
      .reduce((sum, { count }) => sum + count, 0)
      .toLocaleString('en');
  const others = report.outcomes.filter(({ outcome }) => !shownOutcomes.includes(outcome));
  return (
    <Card title="Today">
      <div class="stats">
        <Stat label="Logged out" value={countOf('disconnected')} />
        <Stat
          label="Not logged out"
          value={countOf(...others.map(({ outcome }) => outcome))}
          note={others.map(({ outcome, count }) => `${outcome}: ${count}`).join(', ') || 'no failure'}
        />
        <Stat label="Token refused" value={countOf('refused')} />
        <Stat label="Limited" value={countOf('limited')} note="by [limits] disconnects" />
        <Stat label="Malformed" value={countOf('malformed')} note="without a token" />
      </div>
    </Card>
  );
}

const shownOutcomes = ['disconnected', 'refused', 'limited', 'malformed'];

function RequestTable(props: {
  readonly data: DisconnectsData;
  readonly isFiltered: boolean;
  readonly urlOfRecord: (id: string) => string;
}) {
  const { records, next, isRunning } = props.data;
  if (records.length === 0 && next !== undefined)
    return <Empty title="None so far">Thousands of requests were searched; older ones may match.</Empty>;
  if (records.length === 0 && props.isFiltered)
    return (
      <Empty title="No request matches">
        <p>A MAC address may be in any spelling; users, sessions and NAS have to be complete.</p>
        {isRunning && <p>To log a device out, let its portal sign a token, and enter it below.</p>}
      </Empty>
    );
  if (records.length === 0)
    return (
      <Empty title="No request yet">
        {isRunning && (
          <p>
            Portals send them to <code>/disconnect</code> of the disconnect service. The form below sends one.
          </p>
        )}
      </Empty>
    );
  return (
    <Table
      caption="Requests to log users out"
      rows={records}
      keyOf={({ id }) => id}
      columns={[
        {
          title: 'Device',
          isShort: true,
          cell: ({ id, mac }) => <Link href={props.urlOfRecord(id)}>{mac ?? 'unknown'}</Link>,
        },
        { title: 'Outcome', cell: ({ outcome }) => <Badge tone={outcomeTones[outcome]}>{outcome}</Badge> },
        { title: 'When', isShort: true, cell: ({ at }) => <Ago at={at} /> },
        { title: 'User', cell: ({ user }) => user ?? <span class="muted">unknown</span> },
        { title: 'NAS', cell: ({ nas }) => nas ?? <span class="muted">unknown</span> },
        { title: 'Why', cell: ({ reason }) => reason && <span class="small">{shorten(reason)}</span> },
        { title: 'Took', isNumber: true, cell: ({ durationMs }) => `${durationMs.toLocaleString('en')} ms` },
      ]}
    />
  );
}

const maxShown = 200;

function shorten(text: string): string {
  return text.length > maxShown ? `${text.slice(0, maxShown)}…` : text;
}

const backendTitles = { pcrf: 'PCRF', radius: 'RADIUS' } as const;

function Backends({
  report,
  backend,
}: {
  readonly report: Report;
  readonly backend: DisconnectsData['backend'];
}) {
  const configured = backend === 'both' ? 'PCRF, then RADIUS' : backendTitles[backend];
  return (
    <Card title="Backends today" actions={<span class="muted small">{configured}</span>}>
      {report.backends.length === 0 ? (
        <Empty title="No call yet" />
      ) : (
        <Table
          caption="Calls to the systems that end sessions"
          rows={report.backends}
          keyOf={({ backend: name }) => name}
          columns={[
            { title: 'Backend', cell: ({ backend: name }) => backendTitles[name] },
            { title: 'Ended', isNumber: true, cell: ({ ended }) => ended.toLocaleString('en') },
            { title: 'Gone already', isNumber: true, cell: (row) => row.alreadyGone.toLocaleString('en') },
            { title: 'Failed', isNumber: true, cell: ({ failed }) => failed.toLocaleString('en') },
            { title: 'Median', isNumber: true, cell: ({ latency }) => msOf(latency?.p50) },
            { title: '95 %', isNumber: true, cell: ({ latency }) => msOf(latency?.p95) },
            { title: 'Longest', isNumber: true, cell: ({ latency }) => msOf(latency?.max) },
          ]}
        />
      )}
    </Card>
  );
}

function msOf(ms: number | undefined): string {
  return ms === undefined ? '–' : `${ms.toLocaleString('en')} ms`;
}

function LastErrors(props: { readonly report: Report; readonly urlOfRecord: (id: string) => string }) {
  const { errors } = props.report;
  return (
    <Card title="Last errors">
      {errors.length === 0 ? (
        <Empty title="No error since the start" />
      ) : (
        <Table
          caption="Last requests with a valid token that failed"
          rows={errors}
          keyOf={({ id }) => id}
          columns={[
            {
              title: 'Device',
              isShort: true,
              cell: ({ id, mac }) => <Link href={props.urlOfRecord(id)}>{mac || 'unknown'}</Link>,
            },
            { title: 'When', isShort: true, cell: ({ at }) => <Ago at={at} /> },
            {
              title: 'Outcome',
              cell: ({ outcome }) => <Badge tone={outcomeTones[outcome]}>{outcome}</Badge>,
            },
            { title: 'Reason', cell: ({ reason }) => reason },
          ]}
        />
      )}
    </Card>
  );
}

export const disconnectsView: PageView = { name: 'disconnects', title: 'Disconnects', View: Disconnects };
