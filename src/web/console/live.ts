// Live data of a view by Server-Sent Events, with reconnection. Used by the views through `useLive`.

import { useEffect, useState } from 'preact/hooks';
import { refusalOf } from './api.ts';

export interface Live<Data> {
  /** The last data that arrived; undefined while it loads. Kept while the server is away. */
  readonly data: Data | undefined;
  /** `lost`: the server is away; `refused`: it refuses the request. The page tries again by itself. */
  readonly state: 'loading' | 'live' | 'lost' | 'refused';
  /** Unix time in milliseconds at which `data` arrived. */
  readonly dataAt: number | undefined;
  /** When the server was last there, likewise; while it is, the time of its last event. */
  readonly seenAt: number | undefined;
  /** Why the data could not be read on the server, or why it refuses the request. */
  readonly fault: string | undefined;
}

/** `live` and `lost`: events about the connection of the page. */
export const liveEvents = new EventTarget();

/**
 * The server sends something every 15 seconds. After this time without it the network has dropped the connection, which a browser does
 * not notice by itself. Doubled at each silence, because on a slow line much data takes longer.
 */
const firstSilenceMs = 40_000;
const maxSilenceMs = 640_000;

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
        const now = Date.now();
        setLive({ data, state: 'live', dataAt: now, seenAt: now, fault: undefined, url });
      },
      onChange: (text) => {
        const change = JSON.parse(text) as Change;
        const now = Date.now();
        setLive((before) =>
          before.data === undefined || !apply
            ? before
            : {
                ...before,
                data: apply(before.data, change),
                state: 'live',
                dataAt: now,
                seenAt: now,
                fault: undefined,
              },
        );
      },
      onFault: (message) =>
        setLive((before) => ({ ...before, state: 'live', seenAt: Date.now(), fault: message })),
      onLost: () =>
        setLive((before) => ({
          ...before,
          state: 'lost',
          fault: before.state === 'refused' ? undefined : before.fault,
        })),
      onRefused: (message) => setLive((before) => ({ ...before, state: 'refused', fault: message })),
      onSeen: (at) => setLive((before) => ({ ...before, seenAt: at })),
      onOpen: () =>
        setLive((before) =>
          before.state === 'lost' || before.state === 'refused'
            ? { ...before, state: 'live', seenAt: Date.now(), fault: undefined }
            : before,
        ),
    });
  }, [url, apply]);
  // The data of another query must not appear under this one.
  return live.url === url ? live : loading;
}

const loading = {
  data: undefined,
  state: 'loading',
  dataAt: undefined,
  seenAt: undefined,
  fault: undefined,
} as const;

interface Handlers {
  onData(text: string): void;
  onChange(text: string): void;
  onFault(message: string): void;
  onLost(): void;
  onRefused(message: string): void;
  /** The connection was open until this time. */
  onSeen(at: number): void;
  onOpen(): void;
}

/** @returns a function that disconnects */
function connect(url: string, handlers: Handlers): () => void {
  let source: EventSource | undefined;
  let timer: number | undefined;
  let retryMs = firstRetryMs;
  let silenceTimer: number | undefined;
  let silenceMs = firstSilenceMs;
  let heardAt = 0;
  let isOpen = false;
  let isEnded = false;

  const leave = (seenAt = Date.now()): void => {
    window.clearTimeout(silenceTimer);
    source?.close();
    if (isOpen) handlers.onSeen(seenAt);
    isOpen = false;
  };
  const retry = (): void => {
    report('lost');
    timer = window.setTimeout(open, retryMs);
    retryMs = Math.min(2 * retryMs, maxRetryMs);
  };
  const awaitSomething = (): void => {
    heardAt = Date.now();
    window.clearTimeout(silenceTimer);
    silenceTimer = window.setTimeout(() => {
      silenceMs = Math.min(2 * silenceMs, maxSilenceMs);
      leave(heardAt);
      handlers.onLost();
      retry();
    }, silenceMs);
  };
  const onHeard = (): void => {
    silenceMs = firstSilenceMs;
    awaitSomething();
  };
  /** EventSource does not say why it was refused, but the same request does. */
  const explainRefusal = async (): Promise<void> => {
    const reason = await refusalOf(url);
    if (isEnded || isOpen) return;
    if (reason === undefined) handlers.onLost();
    else handlers.onRefused(reason);
  };
  const open = (): void => {
    source = new EventSource(url);
    awaitSomething();
    for (const name of ['message', 'change', 'fault', 'beat']) source.addEventListener(name, onHeard);
    source.onopen = () => {
      isOpen = true;
      retryMs = firstRetryMs;
      awaitSomething();
      handlers.onOpen();
      report('live');
    };
    source.onmessage = ({ data }) => handlers.onData(String(data));
    source.addEventListener('change', ({ data }) => handlers.onChange(String(data)));
    source.addEventListener('fault', (event) => handlers.onFault(messageOf(event)));
    // EventSource gives up when a proxy responds with an error, so the page reconnects itself.
    source.onerror = () => {
      // For a failed connection it would try again by itself.
      const isRefused = source?.readyState === EventSource.CLOSED;
      leave();
      if (isRefused) void explainRefusal();
      else handlers.onLost();
      retry();
    };
  };
  /** A browser has six connections for an origin, and a hidden page needs none of them. */
  const openNow = (): void => {
    if (document.visibilityState !== 'visible') return;
    if (source && source.readyState !== EventSource.CLOSED) return;
    window.clearTimeout(timer);
    open();
  };
  const onVisibility = (): void => {
    if (document.visibilityState === 'visible') return openNow();
    window.clearTimeout(timer);
    leave();
  };
  onVisibility();
  window.addEventListener('online', openNow);
  document.addEventListener('visibilitychange', onVisibility);
  return () => {
    window.removeEventListener('online', openNow);
    document.removeEventListener('visibilitychange', onVisibility);
    window.clearTimeout(timer);
    window.clearTimeout(silenceTimer);
    isEnded = true;
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
