// The life of one socket that shows QR codes: URLs in turn, the pause, the ack, the end. Knows nothing of
// ws or HTTP; server.ts gives it a peer. A class, and the one thing of ours that each of thousands of sockets has: a
// closure for each of its deeds would be a third of its memory.

import { type Addresses, handshakeUrls } from '../domain/addresses.ts';
import type { SessionEvent } from '../domain/model.ts';
import type { BusListener, Clock, Log, SyncSessions } from '../domain/ports.ts';
import { messageOf, SwobError } from '../errors.ts';
import { logWithId } from '../http/request-id.ts';
import { type Alarm, createAlarm, type Sleeper } from './alarm.ts';
import { bounds, type Closing, closing, frames } from './protocol.ts';

export interface ConnectionOptions {
  /** URLs shown in all. */
  readonly changeLimit: number;
  readonly sleepMs: number;
  readonly pausedMs: number;
}

/** What all connections of a server have in common; `P` is the other end. */
export interface ConnectionDeps<P> {
  readonly sessions: SyncSessions;
  readonly addresses: Addresses;
  readonly clock: Clock;
  readonly log: Log;
  readonly options: ConnectionOptions;
  readonly send: (peer: P, text: string) => void;
  readonly close: (peer: P, how: Closing) => void;
  /** The session that `connection` shows goes on under another id; called before its own `sessionId` changes. */
  readonly onRotated: (connection: Connection, to: string) => void;
}

export interface ConnectionStart<P> {
  readonly peer: P;
  readonly userId: string;
  readonly sessionId: string;
  /** Random; tells sockets apart that show one session. */
  readonly socketId: string;
  /** Of the request that opened the socket; its log lines carry it. */
  readonly requestId: string;
}

export interface Connection extends BusListener {
  readonly userId: string;
  /** The session of the URL that opened it. */
  readonly openedWith: string;
  /** The session that it shows now. */
  readonly sessionId: string;
  /** Finds the session and begins to show it. Never rejects. */
  start(): Promise<void>;
  /** A phone has taken the session. */
  pause(): void;
  /** The phone has paired. Before a pause it is ignored. */
  ack(): void;
  /** The peer has sent a message. None is read, and after too many the socket ends. */
  received(): void;
  /** The socket has failed, and closes by itself. */
  failed(error: unknown): void;
  /** Something of ours has failed without which it cannot go on. */
  giveUp(error: unknown): void;
  /** The socket is gone, or is to go: no frame is sent after this. */
  end(how?: Closing): void;
}

/** A store that is away does not end a socket: its session may still be there when the store is back. */
const retryMs = 1_000;

interface Shared<P> extends ConnectionDeps<P> {
  readonly alarms: Readonly<Record<'rotation' | 'pause' | 'retry', Alarm<SessionSocket<P>>>>;
}

/** @returns the function that makes the connection of a socket */
export function createConnections<P>(deps: ConnectionDeps<P>): (start: ConnectionStart<P>) => Connection {
  const { clock, options } = deps;
  const alarm = (ms: number) => createAlarm<SessionSocket<P>>(clock, ms, (socket) => socket.ring());
  const alarms = { rotation: alarm(options.sleepMs), pause: alarm(options.pausedMs), retry: alarm(retryMs) };
  const shared = { ...deps, alarms };
  return (start) => new SessionSocket(shared, start);
}

class SessionSocket<P> implements Connection, Sleeper<SessionSocket<P>> {
  readonly userId: string;
  readonly openedWith: string;
  readonly socketId: string;
  sessionId: string;
  earlier: SessionSocket<P> | undefined = undefined;
  later: SessionSocket<P> | undefined = undefined;
  dueAt = 0;
  private readonly shared: Shared<P>;
  private readonly peer: P;
  private readonly requestId: string;
  private state: 'starting' | 'showing' | 'paused' | 'ended' = 'starting';
  /** A phone took the session while we asked for it. */
  private early = false;
  private shown = 0;
  private messages = 0;
  /** The one that was set last. */
  private alarm: Alarm<SessionSocket<P>> | undefined = undefined;

  constructor(shared: Shared<P>, { peer, userId, sessionId, socketId, requestId }: ConnectionStart<P>) {
    this.shared = shared;
    this.peer = peer;
    this.userId = userId;
    this.openedWith = sessionId;
    this.sessionId = sessionId;
    this.socketId = socketId;
    this.requestId = requestId;
  }

  async start(): Promise<void> {
    try {
      await this.begin();
    } catch (error) {
      this.giveUp(error);
    }
  }

  heard({ kind, sessionId }: SessionEvent): void {
    if (sessionId !== this.sessionId) return;
    if (kind === 'pause') this.pause();
    else this.ack();
  }

  missed(): void {
    if (this.state !== 'showing' && this.state !== 'paused') return;
    this.look().catch((error: unknown) => {
      const { userId } = this;
      this.log.warn({ userId, error: messageOf(error) }, 'what became of a session could not be asked');
    });
  }

  pause(): void {
    if (this.state === 'starting') this.early = true;
    if (this.state !== 'showing') return;
    this.state = 'paused';
    this.alarm?.cancel(this);
    this.shared.send(this.peer, frames.pause);
    this.wait(this.shared.alarms.pause);
  }

  ack(): void {
    const { userId, state } = this;
    if (state !== 'paused') return this.log.warn({ userId, state }, 'ack without a pause ignored');
    this.shared.send(this.peer, frames.ack);
    this.end(closing.paired);
  }

  received(): void {
    if (++this.messages > bounds.maxMessages) this.end(closing.tooManyFrames);
  }

  failed(error: unknown): void {
    this.log.debug({ userId: this.userId, error: messageOf(error) }, 'sync socket error');
  }

  giveUp(error: unknown): void {
    this.log.error({ userId: this.userId, error: messageOf(error) }, 'sync socket failed');
    this.end(closing.gatewayFailed);
  }

  end(how?: Closing): void {
    if (this.state === 'ended') return;
    this.state = 'ended';
    this.alarm?.cancel(this);
    if (how) this.shared.close(this.peer, how);
  }

  /** The wait that the state began is over, or the store is to be asked again. No failure may reach the event loop. */
  ring(): void {
    const during = this.state;
    this.next().catch((error: unknown) => {
      if (!isAway(error)) return this.giveUp(error);
      if (this.state !== during) return;
      const { userId } = this;
      this.log.debug({ userId, error: messageOf(error) }, 'the store is away; a sync socket waits for it');
      this.wait(this.shared.alarms.retry);
    });
  }

  private async begin(): Promise<void> {
    const { shared, userId, openedWith, socketId } = this;
    const found = await shared.sessions.attach(userId, openedWith, socketId);
    if (this.state === 'ended') return;
    if (found === 'unknown') return this.end(closing.unknownSession);
    this.takeOver(found.sessionId);
    if (found.state === 'open') {
      this.show();
      if (this.early) await this.look();
      return;
    }
    this.state = 'showing';
    this.follow(found.state);
  }

  private next(): Promise<void> {
    if (this.state === 'paused') return this.expire();
    return this.shown < this.shared.options.changeLimit ? this.rotate() : this.finish();
  }

  private show(): void {
    const { shared, userId, sessionId } = this;
    this.state = 'showing';
    this.shown++;
    shared.send(this.peer, JSON.stringify(handshakeUrls(shared.addresses.gateway(), userId, sessionId)));
    this.wait(shared.alarms.rotation);
  }

  private async rotate(): Promise<void> {
    const outcome = await this.shared.sessions.rotate(this);
    if (this.state !== 'showing') return;
    if (outcome === 'unknown') return this.end(closing.unknownSession);
    if (outcome === 'paused' || outcome === 'paired') return this.follow(outcome);
    this.takeOver(outcome.sessionId);
    this.show();
  }

  private async finish(): Promise<void> {
    const outcome = await this.shared.sessions.end(this);
    if (this.state !== 'showing') return;
    if (outcome === 'ended') this.end(closing.limitReached);
    else this.follow(outcome);
  }

  private async expire(): Promise<void> {
    const found = await this.shared.sessions.look(this.userId, this.sessionId);
    if (this.state !== 'paused') return;
    if (found === 'paired') this.ack();
    else this.end(closing.pausedTooLong);
  }

  /** Asks what has become of the session: word of a pause or an ack may have been lost. */
  private async look(): Promise<void> {
    const found = await this.shared.sessions.look(this.userId, this.sessionId);
    if (this.state === 'showing' && (found === 'paused' || found === 'paired')) this.follow(found);
    else if (this.state === 'paused' && found === 'paired') this.ack();
  }

  /** The phone was faster than the message that tells of it. */
  private follow(outcome: 'paused' | 'paired'): void {
    this.pause();
    if (outcome === 'paired') this.ack();
  }

  private takeOver(sessionId: string): void {
    if (sessionId !== this.sessionId) this.shared.onRotated(this, sessionId);
    this.sessionId = sessionId;
  }

  private wait(alarm: Alarm<SessionSocket<P>>): void {
    this.alarm = alarm;
    alarm.set(this);
  }

  private get log(): Log {
    return logWithId(this.shared.log, this.requestId);
  }
}

function isAway(error: unknown): boolean {
  return error instanceof SwobError && error.code === 'UNAVAILABLE';
}
