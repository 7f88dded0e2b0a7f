// The state machine of one socket that shows QR codes: URLs in rotation, the pause, the ack, the close. It knows neither ws nor
// HTTP; server.ts gives it a peer. A class, as there are thousands of them: closures in place of its methods would be a third
// of the memory of a socket.

import type { SessionEvent } from '../domain/pairing/model.ts';
import type { BusListener } from '../domain/pairing/ports.ts';
import {
  isSessionFailure,
  type SessionFailure,
  type SyncSession,
  type SyncSessions,
} from '../domain/pairing/sync-ports.ts';
import type { Clock, Log } from '../domain/shared/ports.ts';
import { handshakeUrls, type ServiceUrls } from '../domain/shared/urls.ts';
import { messageOf } from '../errors.ts';
import { logWithRequestId } from '../http/request-id.ts';
import { type CloseCode, closeCodes } from './close-codes.ts';
import { frames, socketBounds } from './protocol.ts';
import { createTimerQueue, type TimerEntry, type TimerQueue } from './timer-queue.ts';

export interface SyncSocketOptions {
  /** How many URLs a socket shows. */
  readonly changeLimit: number;
  readonly sleepMs: number;
  readonly pausedMs: number;
}

/** Shared by all sockets of a server; `P` is the peer. */
export interface SyncSocketDeps<P> {
  readonly sessions: SyncSessions;
  readonly addresses: ServiceUrls;
  readonly clock: Clock;
  readonly log: Log;
  readonly options: SyncSocketOptions;
  readonly send: (peer: P, text: string) => void;
  readonly close: (peer: P, closeCode: CloseCode) => void;
  /** Called before the `sessionId` of a socket changes. */
  readonly onRotated: (socket: SyncSocket, sessionId: string) => void;
}

export interface SyncSocketStart<P> {
  readonly peer: P;
  readonly userId: string;
  readonly sessionId: string;
  /** Random; distinguishes sockets of the same session. */
  readonly socketId: string;
  /** The id of the upgrade request, for the log. */
  readonly requestId: string;
}

export interface SyncSocket extends BusListener {
  readonly userId: string;
  /** The session of the URL that opened the socket. */
  readonly initialSessionId: string;
  /** The session that the socket shows. */
  readonly sessionId: string;
  /** Attaches to the session and shows its URL. Never rejects. */
  start(): Promise<void>;
  /** A phone has taken the session. */
  pause(): void;
  /** The phone has paired. Ignored before a pause. */
  ack(): void;
  /** The peer sent a message: it is ignored, and too many close the socket. */
  onMessage(): void;
  /** The socket failed; its close event follows. */
  onError(error: unknown): void;
  /** A dependency failed that the socket cannot work without. */
  fail(error: unknown): void;
  /** Ends the state machine, and closes the socket if there is a code. No frame is sent afterwards. */
  close(closeCode?: CloseCode): void;
}

/** An unavailable store does not close a socket: the session may still exist when the store is back. */
const retryMs = 1_000;

interface Shared<P> extends SyncSocketDeps<P> {
  /** Sockets with an early ack in the log. Not a field of each of thousands of sockets, as hardly any has one. */
  readonly logged: WeakSet<PeerSyncSocket<P>>;
  readonly timers: Readonly<Record<'rotation' | 'pause' | 'retry', TimerQueue<PeerSyncSocket<P>>>>;
}

/** @returns a function that creates the sync socket of a peer */
export function createSyncSocketFactory<P>(
  deps: SyncSocketDeps<P>,
): (start: SyncSocketStart<P>) => SyncSocket {
  const { clock, options } = deps;
  const createTimers = (ms: number) =>
    createTimerQueue<PeerSyncSocket<P>>(clock, ms, (socket) => socket.onTimer());
  const timers = {
    rotation: createTimers(options.sleepMs),
    pause: createTimers(options.pausedMs),
    retry: createTimers(retryMs),
  };
  const shared = { ...deps, logged: new WeakSet<PeerSyncSocket<P>>(), timers };
  return (start) => new PeerSyncSocket(shared, start);
}

class PeerSyncSocket<P> implements SyncSocket, TimerEntry<PeerSyncSocket<P>> {
  readonly userId: string;
  readonly initialSessionId: string;
  readonly socketId: string;
  sessionId: string;
  previous: PeerSyncSocket<P> | undefined = undefined;
  next: PeerSyncSocket<P> | undefined = undefined;
  dueAt = 0;
  private readonly shared: Shared<P>;
  private readonly peer: P;
  private readonly requestId: string;
  private state: 'starting' | 'showing' | 'paused' | 'closed' = 'starting';
  /** Something may have happened to the session before the socket knew which one it shows. */
  private mayHaveMissed = false;
  private urlsShown = 0;
  private messages = 0;
  /** The queue of the last timer. */
  private timers: TimerQueue<PeerSyncSocket<P>> | undefined = undefined;

  constructor(shared: Shared<P>, { peer, userId, sessionId, socketId, requestId }: SyncSocketStart<P>) {
    this.shared = shared;
    this.peer = peer;
    this.userId = userId;
    this.initialSessionId = sessionId;
    this.sessionId = sessionId;
    this.socketId = socketId;
    this.requestId = requestId;
  }

  async start(): Promise<void> {
    try {
      const failure = await this.attach();
      if (failure) this.fail(failure.reason);
    } catch (error) {
      this.fail(error);
    }
  }

  onEvent({ kind, sessionId }: SessionEvent): void {
    if (this.state === 'starting') {
      this.mayHaveMissed = true;
      return;
    }
    if (sessionId !== this.sessionId) return;
    if (kind === 'pause') this.pause();
    else this.ack();
  }

  onMissedEvents(): void {
    if (this.state === 'starting') this.mayHaveMissed = true;
    if (this.state !== 'showing' && this.state !== 'paused') return;
    const warn = (error: unknown): void => {
      const { userId } = this;
      this.log.warn(
        { userId, error: messageOf(error) },
        'cannot read the state of a session after events were missed',
      );
    };
    this.refresh().then((failure) => failure && warn(failure.reason), warn);
  }

  pause(): void {
    if (this.state === 'starting') this.mayHaveMissed = true;
    if (this.state !== 'showing') return;
    this.state = 'paused';
    this.timers?.cancel(this);
    this.shared.send(this.peer, frames.pause);
    this.schedule(this.shared.timers.pause);
  }

  ack(): void {
    if (this.state !== 'paused') return this.logEarlyAck();
    this.shared.send(this.peer, frames.ack);
    this.close(closeCodes.paired);
  }

  onMessage(): void {
    if (++this.messages > socketBounds.maxMessages) this.close(closeCodes.tooManyFrames);
  }

  onError(error: unknown): void {
    this.log.debug({ userId: this.userId, error: messageOf(error) }, 'sync socket error');
  }

  fail(error: unknown): void {
    this.log.error({ userId: this.userId, error: messageOf(error) }, 'sync socket failed');
    this.close(closeCodes.gatewayFailed);
  }

  close(closeCode?: CloseCode): void {
    if (this.state === 'closed') return;
    this.state = 'closed';
    this.timers?.cancel(this);
    if (closeCode) this.shared.close(this.peer, closeCode);
  }

  /** The time of the current state is over, or the store is due for a retry. No rejection may stay unhandled. */
  onTimer(): void {
    const stateBefore = this.state;
    const retryIfUnavailable = ({ kind, reason }: SessionFailure): void => {
      if (kind === 'failed') return this.fail(reason);
      if (this.state !== stateBefore) return;
      const { userId } = this;
      this.log.debug({ userId, error: reason }, 'the store is unavailable; retrying for a sync socket');
      this.schedule(this.shared.timers.retry);
    };
    this.advance().then(
      (failure) => failure && retryIfUnavailable(failure),
      (error) => this.fail(error),
    );
  }

  private async attach(): Promise<SessionFailure | undefined> {
    const { shared, userId, initialSessionId, socketId } = this;
    const found = await shared.sessions.attach(userId, initialSessionId, socketId);
    if (this.state === 'closed') return;
    if (found === 'unknown') return void this.close(closeCodes.unknownSession);
    if (isSessionFailure(found)) return found;
    this.show(found);
    if (this.mayHaveMissed) this.onMissedEvents();
    return undefined;
  }

  private advance(): Promise<SessionFailure | undefined> {
    if (this.state === 'paused') return this.expirePause();
    return this.urlsShown < this.shared.options.changeLimit ? this.rotate() : this.expireSession();
  }

  /** The session may have another id: the next event has that one. */
  private show({ sessionId, state }: SyncSession): void {
    if (sessionId !== this.sessionId) this.shared.onRotated(this, sessionId);
    this.sessionId = sessionId;
    this.state = 'showing';
    if (state === 'open') this.showUrl();
    else this.apply(state);
  }

  private showUrl(): void {
    const { shared, userId, sessionId } = this;
    this.urlsShown++;
    shared.send(this.peer, JSON.stringify(handshakeUrls(shared.addresses.gateway(), userId, sessionId)));
    this.schedule(shared.timers.rotation);
  }

  private async rotate(): Promise<SessionFailure | undefined> {
    const outcome = await this.shared.sessions.rotate(this);
    if (this.state !== 'showing') return undefined;
    if (outcome === 'unknown') return void this.close(closeCodes.unknownSession);
    return isSessionFailure(outcome) ? outcome : void this.show(outcome);
  }

  private async expireSession(): Promise<SessionFailure | undefined> {
    const outcome = await this.shared.sessions.close(this);
    if (this.state !== 'showing') return undefined;
    if (isSessionFailure(outcome)) return outcome;
    return void (outcome === 'ended' ? this.close(closeCodes.limitReached) : this.show(outcome));
  }

  private async expirePause(): Promise<SessionFailure | undefined> {
    const found = await this.shared.sessions.stateOf(this.userId, this.sessionId);
    if (this.state !== 'paused') return undefined;
    if (isSessionFailure(found)) return found;
    return void (found === 'paired' ? this.ack() : this.close(closeCodes.pausedTooLong));
  }

  /** Reads the state of the session: the event of a pause or an ack may have been lost. */
  private async refresh(): Promise<SessionFailure | undefined> {
    const found = await this.shared.sessions.stateOf(this.userId, this.sessionId);
    if (isSessionFailure(found)) return found;
    if (this.state === 'showing' && (found === 'paused' || found === 'paired')) this.apply(found);
    else if (this.state === 'paused' && found === 'paired') this.ack();
    return undefined;
  }

  /** Catches up with a state whose event has not arrived. */
  private apply(state: 'paused' | 'paired'): void {
    this.pause();
    if (state === 'paired') this.ack();
  }

  /** Logged once: whoever has opened a session can send any number of acks. */
  private logEarlyAck(): void {
    const { shared, userId, state } = this;
    if (shared.logged.has(this)) return;
    shared.logged.add(this);
    this.log.warn({ userId, state }, 'ack without a pause ignored');
  }

  private schedule(timers: TimerQueue<PeerSyncSocket<P>>): void {
    this.timers = timers;
    timers.schedule(this);
  }

  private get log(): Log {
    return logWithRequestId(this.shared.log, this.requestId);
  }
}
