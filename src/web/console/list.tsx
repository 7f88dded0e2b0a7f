// What views with long lists share: the filter of the URL, a search field that waits for the end of typing, pages. Used by the
// views of seeds and messages.

import { useEffect, useRef, useState } from 'preact/hooks';
import { TextField } from '../shared/components.tsx';
import { Link } from './link.tsx';
import { navigate, urlOf, useLocation } from './router.ts';

/** These members of the URL's query, and a function that changes some of them; the page of the list starts anew. */
export function useFilter(view: string, names: readonly string[]) {
  const { query } = useLocation();
  const filter = Object.fromEntries(names.map((name) => [name, query[name] ?? '']));
  const urlWith = (change: Readonly<Record<string, string>>): string =>
    urlOf(view, { ...query, page: '', ...change });
  return {
    filter,
    urlWith,
    change: (change: Readonly<Record<string, string>>): void => navigate(urlWith(change), { replace: true }),
  };
}

/** The last data of a view while that of another query loads, so that the page does not jump. */
export function useKept<Data>(data: Data | undefined): Data | undefined {
  const last = useRef(data);
  if (data !== undefined) last.current = data;
  return last.current;
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
