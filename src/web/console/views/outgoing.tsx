// The Outgoing view: today's SMS by state, requests and messages with their filters, and what can be cancelled.
// outgoing-details.tsx has a single one, outgoing-report.tsx what nodes count.

import { useState } from 'preact/hooks';
import type { TableChange } from '../../../console/table-changes.ts';
import type { OutgoingActionResult, OutgoingData } from '../../../console/views/outgoing.ts';
import { SelectField, Skeleton } from '../../shared/components.tsx';
import { type Confirmation, ConfirmDialog } from '../../shared/confirm.tsx';
import { runAction } from '../api.ts';
import { CursorPager, cardData, ListCard, SearchField, SinceField, useFilter, useKept } from '../list.tsx';
import { useLive } from '../live.ts';
import { OutgoingMessageCard, RequestCard } from '../outgoing-details.tsx';
import { OutgoingMessageTable, RequestTable } from '../outgoing-list.tsx';
import { BrokerNote, Counters, PassedOver, Today } from '../outgoing-report.tsx';
import { PageHead } from '../page-head.tsx';
import { type ActionResult, useResult } from '../result.tsx';
import { states } from '../state-bar.tsx';
import { applyTableChange } from '../table-changes.ts';
import { Tabs } from '../tabs.tsx';
import type { PageView } from '../view.ts';
import './outgoing.css';

const members = ['list', 'developer', 'uuid', 'number', 'operator', 'state', 'from', 'before', 'id'];
const filterMembers = ['developer', 'uuid', 'number', 'operator', 'state', 'from'];
const noFilter = Object.fromEntries(filterMembers.map((name) => [name, '']));
const applyChange = applyTableChange<OutgoingData>('messages', 'id');
const stateOptions = [{ value: '', label: 'Any' }, ...states.map((value) => ({ value, label: value }))];

function Outgoing() {
  const { filter, urlWith, change: changeFilter } = useFilter('outgoing', members);
  const live = useLive<OutgoingData, TableChange>('outgoing', filter, applyChange);
  const data = useKept(live.data);
  const [confirmation, setConfirmation] = useState<Confirmation>();
  const [result, report] = useResult();
  const act = (action: string, body: object): Promise<void> =>
    report(async () => resultOf(await runAction<OutgoingActionResult>('outgoing', action, body)));
  const { list = '', developer = '', uuid = '', before = '', id = '' } = filter;
  const isRequest = developer !== '' && uuid !== '';
  const isOfMessages = isRequest || list !== '';
  const first = { before: '', id: '' };
  /** Another filter begins with its first page, and closes the message that is open. */
  const change = (changed: Readonly<Record<string, string>>): void => changeFilter({ ...first, ...changed });
  const urlOfRequest = (request: { readonly authId: string; readonly uuid: string }): string =>
    urlWith({ ...noFilter, ...first, list: 'messages', developer: request.authId, uuid: request.uuid });
  const cards = { data, onAction: setConfirmation };
  return (
    <>
      <PageHead title="Outgoing" live={live} />
      {data && <BrokerNote broker={data.broker} />}
      {data && <PassedOver routes={data.passedOver} />}
      {result}
      {data ? (
        <Today
          today={data.today}
          urlOf={(state) =>
            urlWith({ ...noFilter, ...first, list: 'messages', state, from: String(data.today.since) })
          }
        />
      ) : (
        <Skeleton lines={8} />
      )}
      {isRequest && (
        <RequestCard
          {...cards}
          developer={developer}
          uuid={uuid}
          closeUrl={urlWith({ ...first, list: '', uuid: '', developer: '' })}
          cancel={(body) => void act('cancel-request', body)}
        />
      )}
      {id !== '' && (
        <OutgoingMessageCard
          {...cards}
          data={cardData(live.data, data)}
          id={id}
          closeUrl={urlWith({ id: '' })}
          requestUrl={urlOfRequest}
          cancel={(body) => void act('cancel', body)}
        />
      )}
      <ListCard
        title={isRequest ? 'Messages of the request' : 'Search'}
        live={live}
        filters={<Filters filter={filter} change={change} />}
        actions={
          !isRequest && (
            <Tabs
              label="List"
              tabs={[
                { title: 'Requests', href: urlWith({ ...first, list: '' }), isCurrent: !isOfMessages },
                { title: 'Messages', href: urlWith({ ...first, list: 'messages' }), isCurrent: isOfMessages },
              ]}
            />
          )
        }
        list={
          data && (
            <>
              <List
                data={data}
                isFiltered={filterMembers.some((name) => filter[name] !== '')}
                urlOfRequest={urlOfRequest}
                urlOfMessage={(message) => urlWith({ id: message })}
              />
              <CursorPager
                isFirst={before === ''}
                firstUrl={urlWith(first)}
                nextUrl={data.next === undefined ? undefined : urlWith({ before: data.next, id: '' })}
                next={isRequest ? 'Next page' : isOfMessages ? 'Older messages' : 'Older requests'}
              />
            </>
          )
        }
      />
      {data && <Counters data={data} />}
      <ConfirmDialog confirmation={confirmation} onClose={() => setConfirmation(undefined)} />
    </>
  );
}

function Filters(props: {
  readonly filter: Readonly<Record<string, string>>;
  readonly change: (changed: Readonly<Record<string, string>>) => void;
}) {
  const { filter, change } = props;
  const field = (name: string, label: string, placeholder: string) => (
    <SearchField
      label={label}
      value={filter[name] ?? ''}
      placeholder={placeholder}
      onSearch={(text) => change({ [name]: text })}
    />
  );
  return (
    <>
      {field('number', 'Number', '+237 650…')}
      {field('developer', 'Developer', 'auth_id')}
      {field('operator', 'Operator', 'MTN Cameroon')}
      {field('uuid', 'Request', 'uuid')}
      <SelectField
        label="State"
        value={filter.state ?? ''}
        options={stateOptions}
        onChange={(state) => change({ state })}
      />
      <SinceField label="Requested" from={filter.from ?? ''} onChange={(from) => change({ from })} />
    </>
  );
}

function List(props: {
  readonly data: OutgoingData;
  readonly isFiltered: boolean;
  readonly urlOfRequest: Parameters<typeof RequestTable>[0]['urlOf'];
  readonly urlOfMessage: (id: string) => string;
}) {
  const { data, isFiltered, urlOfRequest, urlOfMessage } = props;
  const nothing = { isFiltered, isCut: data.next !== undefined };
  if (data.requests) return <RequestTable {...nothing} requests={data.requests} urlOf={urlOfRequest} />;
  return <OutgoingMessageTable {...nothing} messages={data.messages} urlOf={urlOfMessage} />;
}

function resultOf(result: OutgoingActionResult): ActionResult {
  if (result.kind === 'unknown') return { tone: 'bad', text: 'Nothing was cancelled: it is unknown here.' };
  if (result.kind === 'too late')
    return {
      tone: 'bad',
      text: `Nothing was cancelled: the SMS is ${result.state}, and RabbitMQ may have it.`,
    };
  const { cancelled, tooLate } = result;
  const others = tooLate > 0 ? ` ${tooLate.toLocaleString('en')} could not be cancelled any more.` : '';
  return { tone: 'good', text: `Cancelled: ${cancelled.toLocaleString('en')} SMS.${others}` };
}

export const outgoingView: PageView = { name: 'outgoing', title: 'Outgoing', View: Outgoing };
