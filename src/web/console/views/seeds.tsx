// The Seeds view: which numbers work, filtered and sorted, and the history of one.

import { useState } from 'preact/hooks';
import type { TableChange } from '../../../console/table-changes.ts';
import type { SeedsData } from '../../../console/views/seeds.ts';
import { Badge, Empty, SelectField, Table, type Tone } from '../../shared/components.tsx';
import { Ago, formatTime } from '../../shared/time.tsx';
import { Link } from '../link.tsx';
import { cardData, EntryCard, ListCard, Pager, SearchField, useFilter, useKept } from '../list.tsx';
import { useLive } from '../live.ts';
import { PageHead } from '../page-head.tsx';
import { applyTableChange } from '../table-changes.ts';
import type { PageView } from '../view.ts';

type Seed = SeedsData['seeds'][number];
type Details = NonNullable<SeedsData['selected']>;

const members = ['country', 'operator', 'text', 'active', 'sort', 'page', 'seed'];
const sorts = [
  { value: '', label: 'What works now' },
  { value: 'number', label: 'Number' },
  { value: 'country', label: 'Country' },
  { value: 'operator', label: 'Operator' },
  { value: 'ping', label: 'Seen last' },
  { value: 'reliability', label: 'Reliability' },
  { value: 'today', label: 'Messages today' },
];

const applyChange = applyTableChange<SeedsData>('seeds', 'msisdn');

function Seeds() {
  const { filter, change, urlWith } = useFilter('seeds', members);
  const live = useLive<SeedsData, TableChange>('seeds', filter, applyChange);
  const data = useKept(live.data);
  const isFiltered = ['country', 'operator', 'text', 'active'].some((name) => filter[name] !== '');
  return (
    <>
      <PageHead title="Seeds" live={live}>
        {data && (
          <span class="muted">
            {data.active.toLocaleString('en')} of {data.all.toLocaleString('en')} ping now
          </span>
        )}
      </PageHead>
      {filter.seed !== '' && (
        <SeedCard
          data={cardData(live.data, data)}
          number={filter.seed ?? ''}
          closeUrl={urlWith({ seed: '' })}
        />
      )}
      <ListCard
        title="Numbers"
        live={live}
        filters={
          <>
            <SelectField
              label="Country"
              value={filter.country ?? ''}
              options={[{ value: '', label: 'All' }, ...countriesOf(data, filter.country ?? '')]}
              onChange={(country) => change({ country })}
            />
            <SearchField
              label="Operator"
              value={filter.operator ?? ''}
              placeholder="MTN"
              onSearch={(operator) => change({ operator })}
            />
            <SearchField
              label="Search"
              value={filter.text ?? ''}
              placeholder="+237 650…, IMSI"
              onSearch={(text) => change({ text })}
            />
            <SelectField
              label="Sort by"
              value={filter.sort ?? ''}
              options={sorts}
              onChange={(sort) => change({ sort })}
            />
            <label class="check">
              <input
                type="checkbox"
                checked={filter.active === '1'}
                onChange={(event) => change({ active: event.currentTarget.checked ? '1' : '' })}
              />
              Only those that ping
            </label>
          </>
        }
        list={
          data && (
            <>
              <SeedTable
                data={data}
                isFiltered={isFiltered}
                urlOfSeed={(seed) => urlWith({ seed, page: filter.page ?? '' })}
              />
              <Pager
                page={Number(filter.page || 1)}
                perPage={data.perPage}
                shown={data.seeds.length}
                total={data.total}
                urlOf={(page) => urlWith({ page: String(page) })}
              />
            </>
          )
        }
      />
    </>
  );
}

/** Those of the data, and the chosen one also while it has no seed. */
function countriesOf(data: SeedsData | undefined, chosen: string) {
  const found = (data?.countries ?? []).map(({ name, seeds }) => ({
    value: name,
    label: `${name} (${seeds})`,
  }));
  const isMissing = chosen !== '' && !found.some(({ value }) => value === chosen);
  return isMissing ? [{ value: chosen, label: chosen }, ...found] : found;
}

function SeedTable(props: {
  readonly data: SeedsData;
  readonly isFiltered: boolean;
  readonly urlOfSeed: (msisdn: string) => string;
}) {
  const { data } = props;
  if (data.seeds.length === 0 && props.isFiltered)
    return <Empty title="No number matches">{`Clear the filter to see all ${data.all} numbers.`}</Empty>;
  if (data.seeds.length === 0)
    return (
      <Empty title="No seed has pinged yet">
        <p>
          A phone or modem appears here after its first ping (<code>swob seeds ping</code>), or once it hands
          in an SMS.
        </p>
      </Empty>
    );
  return (
    <Table
      caption="Gateway clients"
      rows={data.seeds}
      keyOf={({ msisdn }) => msisdn}
      columns={[
        {
          title: 'Number',
          cell: ({ msisdn }) => <Link href={props.urlOfSeed(msisdn)}>{msisdn}</Link>,
        },
        { title: 'State', cell: (seed) => <StateBadge seed={seed} /> },
        { title: 'Country', cell: ({ country }) => country || <span class="muted">unknown</span> },
        { title: 'Operator', cell: ({ operator }) => operator || <span class="muted">unknown</span> },
        { title: 'Last ping', cell: (seed) => <LastPing seed={seed} data={data} /> },
        {
          title: 'Last delivery',
          cell: ({ lastDeliveryAt }) =>
            lastDeliveryAt === undefined ? <span class="muted">none yet</span> : <Ago at={lastDeliveryAt} />,
        },
        { title: 'Reliability', isNumber: true, cell: reliabilityOf },
        { title: 'Today', isNumber: true, cell: ({ today }) => today.toLocaleString('en') },
      ]}
    />
  );
}

const states: Readonly<Record<Seed['state'], { readonly tone: Tone; readonly text: string }>> = {
  active: { tone: 'good', text: 'pings' },
  delivers: { tone: 'neutral', text: 'delivers' },
  silent: { tone: 'warn', text: 'silent' },
};

function StateBadge({ seed }: { readonly seed: Seed }) {
  const { tone, text } = states[seed.state];
  return <Badge tone={tone}>{text}</Badge>;
}

function LastPing({ seed, data }: { readonly seed: Seed; readonly data: SeedsData }) {
  const { lastPingAt, state } = seed;
  if (lastPingAt === undefined) return <span class="muted">does not ping</span>;
  return (
    <>
      {state === 'active' && (
        <PingBar key={lastPingAt} ageMs={Math.max(0, data.now - lastPingAt)} expiryMs={data.expiryMs} />
      )}
      <span class="small">
        <Ago at={lastPingAt} />
      </span>
    </>
  );
}

/** Empties by itself. The age is that of the first rendering, because a running animation that gets another delay jumps. */
function PingBar(props: { readonly ageMs: number; readonly expiryMs: number }) {
  const [ageMs] = useState(props.ageMs);
  const style = { animationDuration: `${props.expiryMs}ms`, animationDelay: `${-ageMs}ms` };
  return (
    <span class="ping-bar" aria-hidden="true">
      <span style={style} />
    </span>
  );
}

function reliabilityOf({ reliability }: Seed) {
  if (!reliability) return <span class="muted">not tested</span>;
  return <span title={`${reliability.tests} tests in 30 days`}>{reliability.percent.toFixed(0)} %</span>;
}

function SeedCard(props: {
  readonly data: SeedsData | undefined;
  readonly number: string;
  readonly closeUrl: string;
}) {
  const { data, number, closeUrl } = props;
  const selected = data?.selected;
  return (
    <EntryCard
      title={`History of ${number}`}
      id={number}
      closeUrl={closeUrl}
      entry={selected && selected.seed.msisdn !== number ? undefined : selected}
      unknown={
        <Empty title="No such number">
          It neither pings nor has it delivered anything. Check the number, or wait for its next ping.
        </Empty>
      }
    >
      {(details) => <SeedHistory details={details} since={data?.since ?? 0} />}
    </EntryCard>
  );
}

function SeedHistory({ details, since }: { readonly details: Details; readonly since: number }) {
  const { seed, history, tests } = details;
  return (
    <div class="stack">
      <p>
        <StateBadge seed={seed} /> {[seed.operator, seed.country].filter((text) => text !== '').join(', ')}
        {seed.imsi !== undefined && (
          <>
            {' '}
            · IMSI <code>{seed.imsi}</code> · {seed.seedType}
          </>
        )}
      </p>
      <div class="grid">
        <section aria-label="Pings">
          <h3>Pings</h3>
          {history.length === 0 ? (
            <p class="muted">This gateway has seen no ping of it since {formatTime(since)}.</p>
          ) : (
            <ol class="timeline">
              {history.toReversed().map(({ at, event }) => (
                <li key={`${at} ${event}`} class={event.startsWith('silent') ? 'warn' : 'good'}>
                  {event} <span class="muted small">{formatTime(at)}</span>
                </li>
              ))}
            </ol>
          )}
        </section>
        <section aria-label="Reliability tests">
          <h3>Reliability tests</h3>
          {tests.tests.length === 0 ? (
            <p class="muted">
              None. <code>swob seeds test {seed.msisdn}</code> starts one.
            </p>
          ) : (
            <ol class="timeline">
              {tests.tests.map(({ id, startedAt, status, routedAt }) => (
                <li key={id} class={testTones[status]}>
                  {status === 'success' && routedAt !== undefined
                    ? `arrived after ${Math.round((routedAt - startedAt) / 1_000)} s`
                    : testTexts[status]}{' '}
                  <span class="muted small">{formatTime(startedAt)}</span>
                </li>
              ))}
            </ol>
          )}
        </section>
      </div>
    </div>
  );
}

type TestStatus = Details['tests']['tests'][number]['status'];
const testTones: Readonly<Record<TestStatus, string>> = { success: 'good', pending: '', timedout: 'bad' };
const testTexts: Readonly<Record<TestStatus, string>> = {
  success: 'arrived',
  pending: 'under way',
  timedout: 'did not arrive',
};

export const seedsView: PageView = { name: 'seeds', title: 'Seeds', View: Seeds };
