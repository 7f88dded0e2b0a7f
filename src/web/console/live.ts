// Live data of a view by Server-Sent Events, with reconnection. Used by the views through `useLive`.

import { useEffect, useState } from 'preact/hooks';

export interface Live<Data> {
  /** The last data that arrived; undefined while it loads. Kept while the server is away. */
  readonly data: Data | undefined;
  /** `lost`: the server is away; the page reconnects by itself. */
  readonly state: 'loading' | 'live' | 'lost';
  /** Unix time in milliseconds of the last data or heartbeat. */
  readonly seenAt: number | undefined;
  /** Why the data could not be read on the server. */
  readonly fault: string | undefined;
}

/** `live` and `lost`: events about the connection of the page. */
export const liveEvents = new EventTarget();

/** From one to thirty seconds, doubled at each failure. */
const firstRetryMs = 1_000;
const maxRetryMs = 30_000;

/**
 * The data of a view, for members of its query; an empty member is left out. Views that send changes need `apply`, the same function
 * at each call, which makes the next data of the last one.
 */
export function useLive<Data, Change = never>(
  view: string,
  query: Readonly<Record<string, string>> = {},
  apply?: (data: Data, change: Change) => Data,
): Live<Data> {
  const members = Object.entries(query).filter(([, value]) => value !== '');
  const search = new URLSearchParams(members).toString();
  const url = `/console/api/${view}/events${search === '' ? '' : `?${search}`}`;
  const [live, setLive] = useState<Live<Data> & { readonly url: string }>({ ...loading, url });

  useEffect(() => {
    setLive({ ...loading, url });
    return connect(url, {
      onData: (text) => {
        // The view's route determines the type.
        const data = JSON.parse(text) as Data;
        setLive({ data, state: 'live', seenAt: Date.now(), fault: undefined, url });
      },
      onChange: (text) => {
        const change = JSON.parse(text) as Change;
        setLive((before) =>
          before.data === undefined || !apply
            ? before
            : {
                ...before,
                data: apply(before.data, change),
                state: 'live',
                seenAt: Date.now(),
                fault: undefined,
              },
        );
      },
      onFault: (message) =>
        setLive((before) => ({ ...before, state: 'live', seenAt: Date.now(), fault: message })),
      onLost: () => setLive((before) => ({ ...before, state: 'lost' })),
      onOpen: () =>
        setLive((before) =>
          before.state === 'lost' ? { ...before, state: 'live', seenAt: Date.now() } : before,
        ),
    });
  }, [url, apply]);
  // The data of another query must not appear under this one.
  return live.url === url ? live : loading;
}

const loading = { data: undefined, state: 'loading', seenAt: undefined, fault: undefined } as const;

interface Handlers {
  onData(text: string): void;
  onChange(text: string): void;
  onFault(message: string): void;
  onLost(): void;
  onOpen(): void;
}

/** @returns a function that disconnects */
function connect(url: string, handlers: Handlers): () => void {
  let source: EventSource | undefined;
  let timer: number | undefined;
  let retryMs = firstRetryMs;

  const open = (): void => {
    source = new EventSource(url);
    source.onopen = () => {
      retryMs = firstRetryMs;
      handlers.onOpen();
      report('live');
    };
    source.onmessage = ({ data }) => handlers.onData(String(data));
    source.addEventListener('change', ({ data }) => handlers.onChange(String(data)));
    source.addEventListener('fault', (event) => handlers.onFault(messageOf(event)));
    // EventSource gives up when a proxy responds with an error, so the page reconnects itself.
    source.onerror = () => {
      source?.close();
      handlers.onLost();
      report('lost');
      timer = window.setTimeout(open, retryMs);
      retryMs = Math.min(2 * retryMs, maxRetryMs);
    };
  };
  const openNow = (): void => {
    if (source && source.readyState !== EventSource.CLOSED) return;
    window.clearTimeout(timer);
    open();
  };
  /** A browser has six connections for an origin, and a hidden page needs none of them. */
  const onVisibility = (): void => {
    if (document.visibilityState === 'visible') return openNow();
    window.clearTimeout(timer);
    source?.close();
  };
  onVisibility();
  window.addEventListener('online', openNow);
  document.addEventListener('visibilitychange', onVisibility);
  return () => {
    window.removeEventListener('online', openNow);
    document.removeEventListener('visibilitychange', onVisibility);
    window.clearTimeout(timer);
    source?.close();
  };
}

function report(state: 'live' | 'lost'): void {
  liveEvents.dispatchEvent(new Event(state));
}

function messageOf(event: Event): string {
  const { message } = JSON.parse(String((event as MessageEvent).data)) as { message: string };
  return message;
}
