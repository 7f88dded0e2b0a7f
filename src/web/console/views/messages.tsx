// The Messages view: search, the list, and what can be done for all that match. message-details.tsx has a single message.

import { useState } from 'preact/hooks';
import type { TableChange } from '../../../console/table-changes.ts';
import type { MessagesActionResult, MessagesData } from '../../../console/views/messages.ts';
import { Badge, Empty, SelectField, Stat, Table } from '../../shared/components.tsx';
import { type Confirmation, ConfirmDialog } from '../../shared/confirm.tsx';
import { Ago } from '../../shared/time.tsx';
import { runAction } from '../api.ts';
import { Link } from '../link.tsx';
import { cardData, ListCard, Pager, SearchField, SinceField, useFilter, useKept } from '../list.tsx';
import { useLive } from '../live.ts';
import { MessageActions } from '../message-actions.tsx';
import { MessageCard, stateTones } from '../message-details.tsx';
import { PageHead } from '../page-head.tsx';
import { type ActionResult, useResult } from '../result.tsx';
import { applyTableChange } from '../table-changes.ts';
import type { PageView } from '../view.ts';

const members = ['text', 'state', 'from', 'to', 'page', 'id'];
const filterMembers = ['text', 'state', 'from', 'to'];
const states = [
  { value: '', label: 'Any' },
  { value: 'waiting', label: 'Waiting' },
  { value: 'sending', label: 'Sending' },
  { value: 'dead-lettered', label: 'Dead-lettered' },
  { value: 'outcome unknown', label: 'Outcome unknown' },
  { value: 'refused', label: 'Refused' },
  { value: 'published', label: 'Published lately' },
];
const applyChange = applyTableChange<MessagesData>('messages', 'id');

function Messages() {
  const { filter, change, urlWith } = useFilter('messages', members);
  const live = useLive<MessagesData, TableChange>('messages', filter, applyChange);
  const kept = useKept(live.data && live);
  const data = kept?.data;
  const [confirmation, setConfirmation] = useState<Confirmation>();
  const [result, report] = useResult();
  const act = (action: string, body: object): Promise<void> =>
    report(async () => resultOf(await runAction<MessagesActionResult>('messages', action, body)));
  const matching = Object.fromEntries(
    filterMembers.map((name) => [name, filter[name] ?? '']).filter(([, value]) => value !== ''),
  );
  const { id = '' } = filter;
  return (
    <>
      <PageHead title="Messages" live={live} />
      <div class="grid">
        <Link class="stat-link" href={urlWith({ ...noFilter, state: 'waiting' })}>
          <Stat label="Waiting" value={data ? data.counts.waiting.toLocaleString('en') : '…'} />
        </Link>
        <Link class="stat-link" href={urlWith({ ...noFilter, state: 'dead-lettered' })}>
          <Stat label="Dead-lettered" value={data ? data.counts.deadLetters.toLocaleString('en') : '…'} />
        </Link>
      </div>
      {result}
      <MessageActions
        actions={data?.actions ?? []}
        aheadMs={(kept?.dataAt ?? 0) - (data?.now ?? 0)}
        onUndo={(action) => act('undo', { id: action })}
      />
      {id !== '' && (
        <MessageCard
          id={id}
          data={cardData(live.data, data)}
          closeUrl={urlWith({ id: '', page: filter.page ?? '' })}
          onAction={setConfirmation}
          act={act}
        />
      )}
      <ListCard
        title="Search"
        live={live}
        filters={
          <>
            <SearchField
              label="Number or id"
              value={filter.text ?? ''}
              placeholder="+237 650…"
              onSearch={(text) => change({ text, id: '' })}
            />
            <SelectField
              label="State"
              value={filter.state ?? ''}
              options={states}
              onChange={(state) => change({ state })}
            />
            <SinceField
              label="Arrived"
              from={filter.from ?? ''}
              onChange={(from) => change({ from, to: '' })}
            />
          </>
        }
        actions={
          data && (
            <BulkActions
              data={data}
              isCurrent={live.data !== undefined}
              state={filter.state ?? ''}
              onAction={setConfirmation}
              run={(action) => act(action, matching)}
            />
          )
        }
        list={
          data && (
            <>
              <MessageTable
                data={data}
                isFiltered={Object.keys(matching).length > 0}
                urlOfMessage={(message) => urlWith({ id: message, page: filter.page ?? '' })}
              />
              <Pager
                page={Number(filter.page || 1)}
                perPage={data.perPage}
                shown={data.messages.length}
                total={data.total}
                urlOf={(page) => urlWith({ page: String(page) })}
              />
            </>
          )
        }
      />
      <ConfirmDialog confirmation={confirmation} onClose={() => setConfirmation(undefined)} />
    </>
  );
}

const noFilter = { text: '', from: '', to: '', id: '' };

function resultOf(result: MessagesActionResult): ActionResult {
  if (result.kind === 'not possible') return { tone: 'bad', text: `Nothing was done: ${result.reason}.` };
  if (result.kind === 'undone') return { tone: 'good', text: 'Undone: nothing was changed.' };
  if (result.kind === 'pending') {
    const seconds = Math.round((result.action.runsAt - result.action.requestedAt) / 1_000);
    return {
      tone: 'good',
      text: `Requested: it starts in ${seconds} seconds, and can be undone until then.`,
    };
  }
  return { tone: 'bad', text: 'Too late to undo: it has started already.' };
}

const bulkStates = ['waiting', 'dead-lettered', 'outcome unknown'];

function BulkActions(props: {
  readonly data: MessagesData;
  /** Whether the data is that of the filter, whose number of messages a confirmation names. */
  readonly isCurrent: boolean;
  readonly state: string;
  readonly onAction: (confirmation: Confirmation) => void;
  readonly run: (action: 'retry-all' | 'drop-all') => void;
}) {
  const { data, isCurrent, state, onAction, run } = props;
  if (!bulkStates.includes(state) || data.total === 0) return null;
  const count = data.searched
    ? `at least ${data.total.toLocaleString('en')}`
    : data.total.toLocaleString('en');
  const retry: Confirmation = {
    title: `Retry ${count} messages?`,
    text: (
      <>
        <p>
          All messages that match the search when it starts are sent at once. It starts after 5 seconds, until
          then you can undo it.
        </p>
        {state !== 'waiting' && (
          <p>Those whose outcome is unknown may have been published before, and would be published twice.</p>
        )}
      </>
    ),
    button: `Retry ${count}`,
    run: () => run('retry-all'),
  };
  const drop: Confirmation = {
    title: `Drop ${count} messages?`,
    text: (
      <p>
        All messages that match the search when it starts are deleted and never published; their senders are
        not told. It starts after 10 seconds, until then you can undo it, also after you have closed this
        page.
      </p>
    ),
    button: `Drop ${count}`,
    isDangerous: true,
    run: () => run('drop-all'),
  };
  return (
    <div class="row">
      <button type="button" class="button" disabled={!isCurrent} onClick={() => onAction(retry)}>
        Retry all that match
      </button>
      {state !== 'waiting' && (
        <button type="button" class="button danger" disabled={!isCurrent} onClick={() => onAction(drop)}>
          Drop all that match
        </button>
      )}
    </div>
  );
}

function MessageTable(props: {
  readonly data: MessagesData;
  readonly isFiltered: boolean;
  readonly urlOfMessage: (id: string) => string;
}) {
  const { data } = props;
  const { searched } = data;
  const note = searched && (
    <p class="muted small">
      Searched {searched.read.toLocaleString('en')} of {searched.of.toLocaleString('en')} messages. Choose a
      state or a number to find others.
    </p>
  );
  if (data.messages.length === 0)
    return (
      <>
        <Empty title={props.isFiltered ? 'No message matches' : 'No message yet'}>
          {props.isFiltered
            ? 'A published message is found by its id for as long as duplicates are recognised, and by its number while it is among the last 2,000 of this gateway.'
            : 'Messages appear here when gateway clients submit SMS.'}
        </Empty>
        {note}
      </>
    );
  return (
    <>
      <Table
        caption="Messages"
        rows={data.messages}
        keyOf={({ id }) => id}
        columns={[
          {
            title: 'Message',
            cell: ({ id, msisdn }) => (
              <>
                <Link href={props.urlOfMessage(id)}>{msisdn ?? 'unknown number'}</Link>
                <br />
                <code class="muted small">{id.slice(0, 12)}</code>
              </>
            ),
          },
          { title: 'State', cell: ({ state }) => <Badge tone={stateTones[state]}>{state}</Badge> },
          { title: 'Arrived', cell: ({ arrivedAt }) => <Ago at={arrivedAt} /> },
          { title: 'Last event', cell: ({ lastEvent }) => lastEvent?.event ?? '' },
        ]}
      />
      {note}
    </>
  );
}

export const messagesView: PageView = { name: 'messages', title: 'Messages', View: Messages };
