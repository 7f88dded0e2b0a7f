// Real URLs for views: /console/<view>?<query>. Used by the shell and the views.

import { useEffect, useState } from 'preact/hooks';

export interface Location {
  /** Empty for /console. */
  readonly view: string;
  readonly query: Readonly<Record<string, string>>;
}

const base = '/console';
const changed = new EventTarget();

export function urlOf(view: string, query: Readonly<Record<string, string>> = {}): string {
  const search = new URLSearchParams(Object.entries(query).filter(([, value]) => value !== '')).toString();
  return `${base}/${view}${search === '' ? '' : `?${search}`}`;
}

/** Shows a view without loading the page. `replace` keeps one entry in the history, such as while somebody types. */
export function navigate(url: string, options: { readonly replace?: boolean } = {}): void {
  if (options.replace) history.replaceState(null, '', url);
  else history.pushState(null, '', url);
  changed.dispatchEvent(new Event('change'));
}

export function useLocation(): Location {
  const [location, setLocation] = useState(read);
  useEffect(() => {
    const update = (): void => setLocation(read());
    window.addEventListener('popstate', update);
    changed.addEventListener('change', update);
    return () => {
      window.removeEventListener('popstate', update);
      changed.removeEventListener('change', update);
    };
  }, []);
  return location;
}

/** The query of the URL now, which may be newer than that of the last rendering. */
export function currentQuery(): Location['query'] {
  return read().query;
}

/** One member of the query, which the URL keeps: [value, set]. Setting replaces the entry of the history. */
export function useQueryParam(name: string): [string, (value: string) => void] {
  const { view, query } = useLocation();
  return [
    query[name] ?? '',
    (value) => navigate(urlOf(view, { ...currentQuery(), [name]: value }), { replace: true }),
  ];
}

function read(): Location {
  const [, view = ''] = /^\/console\/([^/]+)/.exec(window.location.pathname) ?? [];
  return { view, query: Object.fromEntries(new URLSearchParams(window.location.search)) };
}
