// Live data of views by Server-Sent Events. Pages with the same view and query share one timer and one serialisation; without
// a page there is no timer. Used by view-routes.ts.

import type { ServerResponse } from 'node:http';
import type { Clock, Log } from '../domain/shared/ports.ts';
import { messageOf } from '../errors.ts';
import type { ConsoleView } from './view.ts';

export interface LiveHub {
  /** Sends the data of the view now and whenever it has changed. The reason when the stream is refused. */
  open(stream: {
    readonly view: ConsoleView;
    readonly query: unknown;
    readonly response: ServerResponse;
    /** Streams of one session are limited, and end with it. */
    readonly sessionId: string;
    /** Unix time in milliseconds. */
    readonly expiresAt: number;
  }): StreamRefusal | undefined;
  /** Whether another stream fits. */
  refusal(sessionId: string): StreamRefusal | undefined;
  /** Ends the streams of a session. */
  endSession(sessionId: string): void;
  /** Ends all streams. */
  close(): void;
  /** Streams that are open. */
  readonly size: number;
}

/** `full`: too many streams in all; `session_full`: too many of this session. */
export type StreamRefusal = 'full' | 'session_full';

interface Client {
  readonly response: ServerResponse;
  readonly sessionId: string;
  readonly expiresAt: number;
}

interface Channel {
  readonly clients: Set<Client>;
  /** What a new page gets: the last data or fault; undefined before the first one, and while `data` is newer. */
  event: string | undefined;
  /** The last data, of a view that sends changes. */
  data: object | undefined;
  isReading: boolean;
  stopTimer: () => void;
}

const maxPerSession = 32;
/** Characters of the JSON of one view. */
export const maxViewLength = 1_000_000;
/** Characters that a page has not read yet, since Node counts texts that wait in a socket so; a page that exceeds them is disconnected, and loads everything when it is back. */
const maxUnreadLength = 2 * maxViewLength;
/** Proxies end connections without traffic after a minute or less. Pages treat a connection that is silent for longer as lost. */
const heartbeatMs = 15_000;
/** An event, because browsers do not pass comments on to pages. */
const heartbeat = 'event: beat\ndata: {}\n\n';

export function createLiveHub(options: {
  readonly maxClients: number;
  readonly clock: Clock;
  readonly log: Log;
  /** Called at each heartbeat, because a session may sign out on another node. Never rejects. */
  readonly isSignedOut: (sessionId: string) => Promise<boolean>;
  /** Called for each page that was disconnected because it did not read. */
  readonly onSlow?: () => void;
}): LiveHub {
  const { maxClients, clock, log } = options;
  const channels = new Map<string, Channel>();
  const perSession = new Map<string, number>();
  let count = 0;
  let stopHeartbeat: (() => void) | undefined;

  const write = ({ response }: Client, text: string): void => {
    // It has ended, and its close event has not been emitted yet; writing would be an error, and nobody listens for it.
    if (response.destroyed || response.writableEnded) return;
    if (response.writableLength > maxUnreadLength) {
      options.onSlow?.();
      response.destroy();
      return;
    }
    response.write(text);
  };
  const beat = (): void => {
    for (const { clients } of channels.values())
      for (const client of clients) {
        // A page that does not read would keep its ended stream open.
        if (client.response.writableEnded) client.response.destroy();
        else if (client.expiresAt <= clock.now()) client.response.end();
        else write(client, heartbeat);
      }
    for (const sessionId of perSession.keys()) void endSignedOut(sessionId);
  };
  const endSignedOut = async (sessionId: string): Promise<void> => {
    if (await options.isSignedOut(sessionId)) endWhere((client) => client.sessionId === sessionId);
  };
  const refresh = async (view: ConsoleView, query: unknown, channel: Channel): Promise<void> => {
    if (channel.isReading) return;
    channel.isReading = true;
    let event: string | undefined;
    try {
      event = eventOf(view, channel, await view.read(query, { now: clock.now() }));
    } catch (error) {
      log.warn({ view: view.name, error: messageOf(error) }, 'a view of the console could not be read');
      channel.data = undefined;
      event = faultEvent('this data could not be read; the log of the gateway says why');
      if (event === channel.event) event = undefined;
      else channel.event = event;
    }
    channel.isReading = false;
    if (event !== undefined) for (const client of channel.clients) write(client, event);
  };
  /** The event for the pages that are open; undefined when there is nothing new. Keeps what a new page needs. */
  const eventOf = (view: ConsoleView, channel: Channel, data: object): string | undefined => {
    const before = channel.data;
    if (view.changes) channel.data = data;
    if (view.changes && before) {
      const change = view.changes(before, data);
      if (!change) return undefined;
      const json = JSON.stringify(change);
      if (json.length <= maxViewLength) {
        channel.event = undefined;
        return `event: change\ndata: ${json}\n\n`;
      }
    }
    const json = JSON.stringify(data);
    // Pages that do not get this data could not apply its changes.
    if (json.length > maxViewLength) channel.data = undefined;
    const event = dataEvent(json);
    if (event === channel.event) return undefined;
    channel.event = event;
    return event;
  };
  /** What a new page gets; undefined before the first reading. */
  const eventForNewPage = (channel: Channel): string | undefined => {
    if (!channel.data || channel.event !== undefined) return channel.event;
    const json = JSON.stringify(channel.data);
    channel.event = dataEvent(json);
    if (json.length > maxViewLength) {
      // It has grown by changes. The new page could not apply the next ones, so that all pages get the fault, and then whole data.
      channel.data = undefined;
      for (const client of channel.clients) write(client, channel.event);
    }
    return channel.event;
  };
  const channelOf = (view: ConsoleView, query: unknown): Channel => {
    const key = `${view.name}?${canonical(query)}`;
    const existing = channels.get(key);
    if (existing) return existing;
    const channel: Channel = {
      clients: new Set(),
      event: undefined,
      data: undefined,
      isReading: false,
      stopTimer: () => {},
    };
    const stopTimer = clock.every(view.everyMs(query), () => refresh(view, query, channel));
    channel.stopTimer = () => {
      stopTimer();
      channels.delete(key);
    };
    channels.set(key, channel);
    void refresh(view, query, channel);
    return channel;
  };
  const refusal = (sessionId: string): StreamRefusal | undefined => {
    if (count >= maxClients) return 'full';
    return (perSession.get(sessionId) ?? 0) >= maxPerSession ? 'session_full' : undefined;
  };
  const endWhere = (matches: (client: Client) => boolean): void => {
    for (const { clients } of [...channels.values()])
      for (const client of [...clients]) if (matches(client)) client.response.end();
  };

  return {
    refusal,
    open: ({ view, query, response, sessionId, expiresAt }) => {
      const refused = refusal(sessionId);
      if (refused) return refused;
      const client = { response, sessionId, expiresAt };
      const channel = channelOf(view, query);
      const event = eventForNewPage(channel);
      channel.clients.add(client);
      count++;
      perSession.set(sessionId, (perSession.get(sessionId) ?? 0) + 1);
      stopHeartbeat ??= clock.every(heartbeatMs, beat);
      response.once('close', () => {
        channel.clients.delete(client);
        count--;
        const left = (perSession.get(sessionId) ?? 1) - 1;
        if (left > 0) perSession.set(sessionId, left);
        else perSession.delete(sessionId);
        if (channel.clients.size === 0) channel.stopTimer();
        if (count > 0) return;
        stopHeartbeat?.();
        stopHeartbeat = undefined;
      });
      // The page reconnects after this time.
      write(client, 'retry: 2000\n\n');
      if (event !== undefined) write(client, event);
      return undefined;
    },
    endSession: (sessionId) => endWhere((client) => client.sessionId === sessionId),
    close: () => endWhere(() => true),
    get size() {
      return count;
    },
  };
}

function dataEvent(json: string): string {
  return json.length > maxViewLength
    ? faultEvent('this view has too much data to show; narrow it by its filter')
    : `data: ${json}\n\n`;
}

const faultEvent = (message: string): string => `event: fault\ndata: ${JSON.stringify({ message })}\n\n`;

/** Equal for equal queries, whatever the order of their members. */
function canonical(query: unknown): string {
  return JSON.stringify(Object.entries(Object(query)).sort(([a], [b]) => (a < b ? -1 : 1)));
}
