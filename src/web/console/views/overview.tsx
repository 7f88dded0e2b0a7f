// The Overview: whether messages flow, plots, health of dependencies, nodes.

import { useMemo } from 'preact/hooks';
import type {
  HealthEntry,
  HistoryWindow,
  NodeView,
  OverviewChange,
  OverviewData,
} from '../../../console/views/overview.ts';
import { Badge, Card, Empty, Skeleton, Table, type Tone } from '../../shared/components.tsx';
import { Plot } from '../../shared/plot.tsx';
import { Ago, formatAgo, formatTime, useNow } from '../../shared/time.tsx';
import { FindForm } from '../find-form.tsx';
import { applyOverviewChange } from '../history-window.ts';
import { Link } from '../link.tsx';
import { useLive } from '../live.ts';
import {
  formatterOf,
  knownGroups,
  type PlotGroup,
  periodOf,
  plotted,
  shownSeries,
} from '../overview-plots.ts';
import { PageHead } from '../page-head.tsx';
import { urlOf, useLocation } from '../router.ts';
import type { PageView } from '../view.ts';
import './overview.css';

const ranges = [
  { name: '10m', label: '10 min' },
  { name: '1h', label: '1 hour' },
  { name: '24h', label: '24 hours' },
  { name: '30d', label: '30 days' },
] as const;
const defaultRange = '1h';

function Overview() {
  const { query } = useLocation();
  const range = ranges.find(({ name }) => name === query.range)?.name ?? defaultRange;
  const live = useLive<OverviewData, OverviewChange>('overview', { range }, applyOverviewChange);
  const { data } = live;
  return (
    <>
      <PageHead title="Overview" live={live}>
        <nav class="ranges" aria-label="Time range">
          {ranges.map(({ name, label }) => (
            <Link key={name} href={urlOf('overview', { range: name })} isCurrent={name === range}>
              {label}
            </Link>
          ))}
        </nav>
      </PageHead>
      {data ? <VerdictBanner verdict={data.verdict} /> : <Skeleton lines={2} />}
      <FindForm />
      {data ? <Plots window={data.window} /> : <Skeleton lines={14} />}
      {data && <Health health={data.health} />}
      {data && data.nodes.length > 1 && <Nodes nodes={data.nodes} />}
    </>
  );
}

const tones: Record<OverviewData['verdict']['level'], Tone> = {
  ok: 'good',
  idle: 'neutral',
  warning: 'warn',
  failure: 'bad',
};

function VerdictBanner({ verdict }: { readonly verdict: OverviewData['verdict'] }) {
  const { level, text, since, detail } = verdict;
  const tone = tones[level];
  return (
    <p class={tone === 'neutral' ? 'verdict note' : `verdict note ${tone}`} role="status">
      <span>
        <strong>{text}</strong>
        {since !== undefined && (
          <>
            {' since '}
            <time dateTime={new Date(since).toISOString()} title={formatTime(since)}>
              {clockOf(since)}
            </time>
          </>
        )}
        {detail !== undefined && `: ${detail}`}
      </span>
    </p>
  );
}

const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' });

/** The time alone for today. */
function clockOf(at: number): string {
  return new Date(at).toDateString() === new Date().toDateString() ? clock.format(at) : formatTime(at);
}

function Plots({ window }: { readonly window: HistoryWindow }) {
  const times = useMemo(
    () => Array.from({ length: window.length }, (_, index) => (window.first + index) * window.step),
    [window],
  );
  const groups = knownGroups(window);
  if (groups.length === 0)
    return (
      <Card>
        <Empty title="Nothing is recorded in this time yet">
          swob records every second while it runs. Choose another range, or wait a moment.
        </Empty>
      </Card>
    );
  return (
    <div class="plots">
      {groups.map((group) => (
        <PlotCard key={group.title} group={group} times={times} window={window} />
      ))}
    </div>
  );
}

function PlotCard(props: {
  readonly group: PlotGroup;
  readonly times: readonly number[];
  readonly window: HistoryWindow;
}) {
  const { group, times, window } = props;
  const series = useMemo(
    () =>
      shownSeries(group, window).map(({ name, label, colour }) => ({
        label,
        colour,
        values: plotted(name, window.columns[name]),
      })),
    [group, window],
  );
  const format = formatterOf(group.unit);
  const last = series.map(({ label, values }) => {
    const value = values.findLast((each) => each !== null);
    return `${label} ${value === undefined || value === null ? 'unknown' : format(value)}`;
  });
  const period = periodOf(group.unit, window.step);
  return (
    <Card title={group.title} actions={<span class="muted small">{period}</span>}>
      <Plot
        label={`${group.title} ${period}, last values: ${last.join(', ')}`}
        times={times}
        series={series}
        format={format}
        isWhole={group.unit === 'count' || group.unit === 'now'}
      />
    </Card>
  );
}

function stateTone({ state, required }: HealthEntry): Tone {
  if (state === 'ok') return 'good';
  return required ? 'bad' : 'warn';
}

function Health({ health }: { readonly health: readonly HealthEntry[] }) {
  return (
    <Card title="Dependencies">
      <ul class="health" aria-label="Dependencies of this node">
        {health.map((entry) => (
          <li key={entry.name}>
            <div class="row">
              <strong>{entry.name.replaceAll('_', ' ')}</strong>
              <Badge tone={stateTone(entry)}>{entry.state}</Badge>
            </div>
            <span class="muted small">
              since <Ago at={entry.since} />
            </span>
            {reasonOf(entry) !== '' && <span class="small">{reasonOf(entry)}</span>}
          </li>
        ))}
      </ul>
    </Card>
  );
}

function reasonOf({ reason, state, required }: HealthEntry): string {
  return reason ?? (state !== 'ok' && required ? 'required: this node refuses requests' : '');
}

function Nodes({ nodes }: { readonly nodes: readonly NodeView[] }) {
  const now = useNow(15_000);
  const failing = ({ health }: NodeView) => health.filter(({ state }) => state !== 'ok');
  return (
    <Card title="Nodes">
      <Table
        caption="Nodes that share the store"
        rows={nodes}
        keyOf={({ name }) => name}
        columns={[
          {
            title: 'Node',
            cell: ({ name, isThis, duplicateOf }) => (
              <>
                {name} {isThis && <span class="muted small">this one</span>}
                {duplicateOf !== undefined && (
                  <Badge tone="warn">two processes have the name {duplicateOf}</Badge>
                )}
              </>
            ),
          },
          {
            title: 'State',
            cell: (node) =>
              node.isAlive ? (
                <Badge tone={failing(node).length > 0 ? 'warn' : 'good'}>
                  {failing(node).length > 0
                    ? `${failing(node)[0]?.name} ${failing(node)[0]?.state}`
                    : 'alive'}
                </Badge>
              ) : (
                <Badge tone="bad">
                  last seen <Ago at={node.lastSeen} />
                </Badge>
              ),
          },
          { title: 'Services', cell: ({ services }) => services.join(', ') },
          { title: 'Version', cell: ({ version }) => version },
          { title: 'Up since', cell: ({ startedAt }) => formatAgo(startedAt, now) },
          { title: 'Loop delay', cell: ({ loopDelayMs }) => `${loopDelayMs} ms`, isNumber: true },
          { title: 'Sockets', cell: ({ sockets }) => sockets, isNumber: true },
          { title: 'Memory', cell: ({ memory }) => `${Math.round(memory / 2 ** 20)} MB`, isNumber: true },
        ]}
      />
    </Card>
  );
}

export const overviewView: PageView = { name: 'overview', title: 'Overview', View: Overview };
