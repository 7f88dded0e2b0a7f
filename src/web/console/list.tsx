// What views with long lists share: the filter of the URL, a search field that waits for the end of typing, the list, its pages,
// and the card of one entry. Used by the views.

import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { Card, SelectField, Skeleton, TextField } from '../shared/components.tsx';
import { Link } from './link.tsx';
import type { Live } from './live.ts';
import { currentQuery, navigate, urlOf, useLocation } from './router.ts';

/** These members of the URL's query, and a function that changes some of them; the list returns to its first page. */
export function useFilter(view: string, names: readonly string[]) {
  const { query } = useLocation();
  const filter = Object.fromEntries(names.map((name) => [name, query[name] ?? '']));
  return {
    filter,
    urlWith: (change: Readonly<Record<string, string>>): string =>
      urlOf(view, { ...query, page: '', ...change }),
    // A search field may call it later, when another part of the filter has changed.
    change: (change: Readonly<Record<string, string>>): void =>
      navigate(urlOf(view, { ...currentQuery(), page: '', ...change }), { replace: true }),
  };
}

/** The last data of a view while that of another query loads, so that the page does not jump. */
export function useKept<Data>(data: Data | undefined): Data | undefined {
  const last = useRef(data);
  if (data !== undefined) last.current = data;
  return last.current;
}

/** The data for the card of an entry. Those that are kept may have the entry, but cannot say that there is none, as its query is another one. */
export function cardData<Data extends { readonly selected?: object | null }>(
  current: Data | undefined,
  kept: Data | undefined,
): Data | undefined {
  return current ?? (kept?.selected ? kept : undefined);
}

const typingMs = 350;

/** Calls `onSearch` when typing has paused, so that not every letter is a search on the server. */
export function SearchField(props: {
  readonly label: string;
  readonly value: string;
  readonly placeholder?: string;
  readonly onSearch: (value: string) => void;
}) {
  const [text, setText] = useState(props.value);
  const timer = useRef<number>(undefined);
  useEffect(() => setText(props.value), [props.value]);
  useEffect(() => () => window.clearTimeout(timer.current), []);
  const change = (value: string): void => {
    setText(value);
    window.clearTimeout(timer.current);
    timer.current = window.setTimeout(() => props.onSearch(value.trim().slice(0, 100)), typingMs);
  };
  return (
    <TextField
      type="search"
      label={props.label}
      value={text}
      {...(props.placeholder !== undefined && { placeholder: props.placeholder })}
      onInput={change}
    />
  );
}

const times = [
  { value: '', label: 'Any time' },
  { value: '900000', label: 'Last 15 minutes' },
  { value: '3600000', label: 'Last hour' },
  { value: '86400000', label: 'Last day' },
  { value: '604800000', label: 'Last week' },
];
const chosenTime = { value: '', label: 'Since the chosen time' };

/** The URL keeps the time itself, so that a shared one shows the same. */
export function SinceField(props: {
  readonly label: string;
  /** Unix time in milliseconds; empty for any. */
  readonly from: string;
  readonly onChange: (from: string) => void;
}) {
  return (
    <SelectField
      label={props.label}
      value=""
      options={props.from === '' ? times : [chosenTime, ...times]}
      onChange={(ms) => props.onChange(ms === '' ? '' : String(Date.now() - Number(ms)))}
    />
  );
}

/** A list below its filter: a skeleton until there is `list`, which is dimmed while that of another filter loads. */
export function ListCard(props: {
  readonly title: string;
  readonly live: Live<unknown>;
  readonly filters: ComponentChildren;
  /** What can be done with all that match. */
  readonly actions?: ComponentChildren;
  readonly list: ComponentChildren | undefined;
}) {
  const { title, live, filters, actions, list } = props;
  return (
    <Card title={title}>
      <div class="stack">
        <search class="filters" aria-label="Filter">
          {filters}
        </search>
        {actions}
        {list === undefined ? (
          <Skeleton lines={12} />
        ) : (
          <div class={live.data ? undefined : 'is-loading'}>{list}</div>
        )}
      </div>
    </Card>
  );
}

/** One entry of a list, above it. `entry`: undefined while it loads, null when it is unknown. */
export function EntryCard<Entry>(props: {
  readonly title: string;
  /** Another one for another entry. */
  readonly id: string;
  readonly closeUrl: string;
  readonly entry: Entry | null | undefined;
  readonly unknown: ComponentChildren;
  readonly children: (entry: Entry) => ComponentChildren;
}) {
  const { title, id, closeUrl, entry, unknown, children } = props;
  const card = useRef<HTMLDivElement>(null);
  // Keyboard focus continues where the entry has appeared.
  useEffect(() => card.current?.focus(), [id]);
  return (
    <div ref={card} tabIndex={-1}>
      <Card title={title} actions={<Link href={closeUrl}>Close</Link>}>
        {entry ? children(entry) : entry === null ? unknown : <Skeleton lines={5} />}
      </Card>
    </div>
  );
}

/** Links to the other pages of a list whose pages begin after an entry. */
export function CursorPager(props: {
  readonly isFirst: boolean;
  readonly firstUrl: string;
  /** Undefined on the last page. */
  readonly nextUrl: string | undefined;
  readonly next?: string;
}) {
  if (props.isFirst && props.nextUrl === undefined) return null;
  return (
    <nav class="row pager" aria-label="Pages">
      {!props.isFirst && (
        <Link class="button" href={props.firstUrl}>
          First page
        </Link>
      )}
      {props.nextUrl !== undefined && (
        <Link class="button" href={props.nextUrl}>
          {props.next ?? 'Next page'}
        </Link>
      )}
    </nav>
  );
}

/** Links to the other pages of a list. */
export function Pager(props: {
  readonly page: number;
  readonly perPage: number;
  readonly shown: number;
  readonly total: number;
  readonly urlOf: (page: number) => string;
}) {
  const { page, perPage, shown, total } = props;
  const first = (page - 1) * perPage;
  if (total <= perPage && page === 1) return null;
  return (
    <nav class="row spread pager" aria-label="Pages">
      {page > 1 ? <Link href={props.urlOf(page - 1)}>← Previous</Link> : <span />}
      <span class="muted">
        {shown === 0 ? 'nothing here' : `${first + 1} to ${first + shown}`} of {total.toLocaleString('en')}
      </span>
      {first + shown < total && shown > 0 ? <Link href={props.urlOf(page + 1)}>Next →</Link> : <span />}
    </nav>
  );
}
