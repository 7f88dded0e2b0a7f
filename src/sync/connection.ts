// The life of one socket that shows QR codes: URLs in turn, the pause, the ack, the end. Knows nothing of
// ws or HTTP; server.ts gives it a peer.

import { type Addresses, handshakeUrls } from '../domain/addresses.ts';
import type { Clock, Log, SyncSessions } from '../domain/ports.ts';
import { messageOf, SwobError } from '../errors.ts';
import { type Closing, closing, frames } from './protocol.ts';

export interface ConnectionOptions {
  /** URLs shown in all. */
  readonly changeLimit: number;
  readonly sleepMs: number;
  readonly pausedMs: number;
}

export interface ConnectionDeps {
  readonly userId: string;
  /** Random; tells sockets apart that show one session. */
  readonly socketId: string;
  readonly sessions: SyncSessions;
  readonly addresses: Addresses;
  readonly clock: Clock;
  readonly log: Log;
  readonly options: ConnectionOptions;
  readonly peer: { send(text: string): void; close(how: Closing): void };
  /** The session goes on under another id. */
  readonly onRotated: (from: string, to: string) => void;
}

export interface Connection {
  /** Finds the session and begins to show it. Never rejects. */
  start(sessionId: string): Promise<void>;
  /** A phone has taken the session. */
  pause(): void;
  /** The phone has paired. Before a pause it is ignored. */
  ack(): void;
  /** Asks what has become of the session: word of a pause or an ack may have been lost. */
  look(): void;
  /** The socket is gone, or is to go: no frame is sent after this. */
  end(how?: Closing): void;
}

/** A store that is away does not end a socket: its session may still be there when the store is back. */
const retryMs = 1_000;

export function createConnection(deps: ConnectionDeps): Connection {
  const { userId, socketId, sessions, addresses, clock, log, options, peer } = deps;
  let state: 'starting' | 'showing' | 'paused' | 'ended' = 'starting';
  let openedWith = '';
  let sessionId = '';
  /** A phone took the session while we asked for it. */
  let early = false;
  let shown = 0;
  let cancelTimer: () => void = () => {};

  const end = (how?: Closing): void => {
    if (state === 'ended') return;
    state = 'ended';
    cancelTimer();
    if (how) peer.close(how);
  };

  const show = (): void => {
    state = 'showing';
    shown++;
    peer.send(JSON.stringify(handshakeUrls(addresses.gateway(), userId, sessionId)));
    later(options.sleepMs, () => (shown < options.changeLimit ? rotate() : finish()));
  };

  const rotate = async (): Promise<void> => {
    const outcome = await sessions.rotate({ userId, sessionId, openedWith, socketId });
    if (state !== 'showing') return;
    if (outcome === 'unknown') return end(closing.unknownSession);
    if (outcome === 'paused' || outcome === 'paired') return follow(outcome);
    const from = sessionId;
    sessionId = outcome.sessionId;
    deps.onRotated(from, sessionId);
    show();
  };

  const finish = async (): Promise<void> => {
    const outcome = await sessions.end({ userId, sessionId, openedWith, socketId });
    if (state !== 'showing') return;
    if (outcome === 'ended') end(closing.limitReached);
    else follow(outcome);
  };

  /** The phone was faster than the message that tells of it. */
  const follow = (outcome: 'paused' | 'paired'): void => {
    pause();
    if (outcome === 'paired') ack();
  };

  const pause = (): void => {
    if (state === 'starting') early = true;
    if (state !== 'showing') return;
    state = 'paused';
    cancelTimer();
    peer.send(frames.pause);
    later(options.pausedMs, expire);
  };

  const expire = async (): Promise<void> => {
    const found = await sessions.look(userId, sessionId);
    if (state !== 'paused') return;
    if (found === 'paired') ack();
    else end(closing.pausedTooLong);
  };

  const look = async (): Promise<void> => {
    const found = await sessions.look(userId, sessionId);
    if (state === 'showing' && (found === 'paused' || found === 'paired')) follow(found);
    else if (state === 'paused' && found === 'paired') ack();
  };

  const ack = (): void => {
    if (state !== 'paused') return log.warn({ userId, state }, 'ack without a pause ignored');
    peer.send(frames.ack);
    end(closing.paired);
  };

  /** Does it after `ms`, and again while the store is away, unless the state has changed meanwhile. */
  const later = (ms: number, work: () => Promise<void>): void => {
    const during = state;
    const attempt = async (): Promise<void> => {
      try {
        await work();
      } catch (error) {
        if (!isAway(error)) throw error;
        if (state !== during) return;
        log.debug({ userId, error: messageOf(error) }, 'the store is away; a sync socket waits for it');
        later(retryMs, work);
      }
    };
    cancelTimer = clock.after(ms, () => guard(attempt()));
  };

  /** No failure of the session store may reach the event loop: it ends this socket only. */
  const guard = (work: Promise<void>): void => {
    work.catch((error: unknown) => {
      log.error({ userId, error: messageOf(error) }, 'sync socket failed');
      end(closing.gatewayFailed);
    });
  };

  return {
    start: async (wanted) => {
      openedWith = wanted;
      const begin = async (): Promise<void> => {
        const found = await sessions.attach(userId, wanted, socketId);
        if (state === 'ended') return;
        if (found === 'unknown') return end(closing.unknownSession);
        sessionId = found.sessionId;
        if (sessionId !== wanted) deps.onRotated(wanted, sessionId);
        if (found.state === 'open') {
          show();
          return early ? look() : undefined;
        }
        state = 'showing';
        follow(found.state);
      };
      const started = begin();
      guard(started);
      await started.catch(() => {});
    },
    look: () => {
      if (state !== 'showing' && state !== 'paused') return;
      look().catch((error: unknown) => {
        log.warn({ userId, error: messageOf(error) }, 'what became of a session could not be asked');
      });
    },
    pause,
    ack,
    end,
  };
}

function isAway(error: unknown): boolean {
  return error instanceof SwobError && error.code === 'UNAVAILABLE';
}
