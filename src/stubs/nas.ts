// Stub of a RADIUS NAS: remembers sessions, and ends them on Disconnect-Request or CoA-Request, or fails to. Used by `swob stub nas`
// and tests.

import type { RemoteInfo } from 'node:dgram';
import { LRUCache } from 'lru-cache';
import type { Clock } from '../domain/shared/ports.ts';
import { sessionContextNotFound } from '../domain/wifi/error-causes.ts';
import { SwobError } from '../errors.ts';
import { attributeTypes, integerAttribute } from '../radius/attributes.ts';
import { requestFault, sealResponse } from '../radius/authenticators.ts';
import { decodePacket, maxValueBytes, type Packet, packetCodes } from '../radius/packet.ts';
import { type ControlRoutes, handleControl, isControl, sendNotFound } from './control-routes.ts';
import { type FailRatio, failing, requestedRatio } from './fail-ratio.ts';
import type { Journal } from './journal.ts';
import { type AccountingTarget, createNasAccounting, isAccountingStatus } from './nas-accounting.ts';
import { type NasMode, nasModes, type Reply, respondInNasMode } from './nas-modes.ts';
import {
  describeAnswer,
  describeRequest,
  isIdentified,
  type NasSession,
  sessionMatches,
} from './nas-sessions.ts';
import { createModeSwitch, type ModeOptions, parseModeRequest } from './response-mode.ts';
import type { BehaviourStep } from './stub-script.ts';
import { type RunningStub, type StubAddress, startStubServer } from './stub-server.ts';
import { systemClock } from './system-clock.ts';
import { openUdp } from './udp.ts';

/** Answers that are kept for retransmissions of their requests; the oldest are dropped. */
const maxAnswers = 10_000;
const maxSessions = 100_000;

export interface NasStubOptions extends StubAddress {
  /** The UDP port for RADIUS; 0 for a free port. */
  readonly radiusPort: number;
  /** The shared secret. */
  readonly secret: string;
  /** The existing sessions; without any, every session exists. */
  readonly sessions?: readonly NasSession[];
  /** The mode at start; `normal` by default. */
  readonly mode?: NasMode;
  /** Milliseconds of mode `slow`; 1,000 by default. */
  readonly ms?: number;
  /** The Error-Cause of a NAK in mode `refuse` or by `fail`; 501 by default. */
  readonly cause?: number;
  /** Requests that get a NAK, whatever the mode; none by default. */
  readonly fail?: FailRatio;
  /** Where it sends the accounting of sessions that it ends, or does not end in mode `ignore`; nowhere by default. */
  readonly accounting?: AccountingTarget;
  /** The modes of the first requests, in order. */
  readonly steps?: readonly BehaviourStep<NasMode>[];
  /** The system's clock by default. */
  readonly clock?: Pick<Clock, 'now' | 'after' | 'every'>;
}

export interface RunningNasStub extends RunningStub {
  /** Where it listens for RADIUS. */
  readonly radius: { readonly address: string; readonly port: number };
  sessions(): readonly NasSession[];
  /** Changes the mode; throws BAD_INPUT when a number is out of range. */
  setMode(
    mode: NasMode,
    options?: ModeOptions & { readonly cause?: number; readonly fail?: FailRatio },
  ): void;
}

/** A request that has been received, for its retransmissions. */
interface Known {
  packets: number;
  /** Whether it is answered later. */
  isSlow: boolean;
  /** Undefined while there is no answer. */
  answer?: Buffer;
  /** What the journal shows of it. */
  fields: Readonly<Record<string, unknown>>;
  readonly entry: ReturnType<Journal['add']>;
}

/** Starts the stub; throws UNAVAILABLE when it cannot listen at the address. */
export async function startNasStub(options: NasStubOptions): Promise<RunningNasStub> {
  const { clock = systemClock, host } = options;
  const secret = Buffer.from(options.secret);
  const sessions = new Set(options.sessions);
  const acceptsAny = sessions.size === 0;
  const modes = createModeSwitch<NasMode>(options.mode ?? 'normal', options.ms, options.steps);
  const known = new LRUCache<string, Known>({ max: maxAnswers });
  const timers = new Set<() => void>();
  const accounting = createNasAccounting(options.accounting, secret, clock);
  let cause = checkCause(options.cause ?? 501);
  let fails = failing(options.fail);

  const setMode: RunningNasStub['setMode'] = (mode, { cause: newCause, fail, ...rest } = {}) => {
    const checked = checkCause(newCause ?? cause);
    modes.set(mode, rest);
    cause = checked;
    if (fail) fails = failing(fail);
  };
  const control: ControlRoutes = {
    'GET /__sessions': () => [...sessions],
    'POST /__sessions': (body) => {
      if (sessions.size >= maxSessions) throw new SwobError('UNAVAILABLE', 'too many sessions');
      sessions.add(parseSession(body));
      return [...sessions];
    },
    'POST /__behaviour': (body) => {
      const { mode, ...numbers } = parseModeRequest(body, nasModes);
      const fail = requestedRatio(body);
      const ofNak = typeof body.cause === 'number' ? { cause: body.cause } : {};
      setMode(mode, { ...numbers, ...ofNak, ...(fail && { fail }) });
      return { mode, ...numbers, cause, ...(fail && { fail: body.fail }) };
    },
    'POST /__accounting': ({ status, ...body }) => {
      if (!options.accounting) throw new SwobError('BAD_INPUT', 'the stub was started without accounting');
      if (!isAccountingStatus(status))
        throw new SwobError('BAD_INPUT', 'status: expected start, interim or stop');
      void accounting.ofSession(status, parseSession(body));
      return { status };
    },
  };
  const stub = await startStubServer(options, async (request, response) => {
    if (isControl(request)) return handleControl(control, request, response);
    sendNotFound(response);
  });

  /** Ends the session. @returns the Error-Cause of a NAK; undefined for an ACK */
  const endSession = (packet: Packet): number | undefined => {
    if (!isIdentified(packet)) return 402;
    const found = [...sessions].find((session) => sessionMatches(session, packet));
    if (!acceptsAny && !found) return sessionContextNotFound;
    if (found) sessions.delete(found);
    void accounting.ofRequest('stop', packet);
    return undefined;
  };
  /** Accepts the request, and lets the session continue. */
  const ignore = (packet: Packet): undefined => void accounting.ofRequest('interim', packet);
  const answerTo = (packet: Packet, nakCause: number | undefined): Buffer => {
    const isCoa = packet.code === packetCodes.coaRequest;
    const ack = isCoa ? packetCodes.coaAck : packetCodes.disconnectAck;
    const nak = isCoa ? packetCodes.coaNak : packetCodes.disconnectNak;
    return sealResponse(
      {
        code: nakCause === undefined ? ack : nak,
        identifier: packet.identifier,
        attributes: nakCause === undefined ? [] : [integerAttribute(attributeTypes.errorCause, nakCause)],
      },
      packet.authenticator,
      secret,
    );
  };

  const receive = (datagram: Buffer, from: RemoteInfo): void => {
    const decoded = decodePacket(datagram);
    const fault = decoded.kind === 'packet' ? requestFault(decoded.bytes, secret) : decoded.fault;
    if (decoded.kind !== 'packet' || fault !== undefined) {
      stub.journal.add({ method: 'invalid', url: '/' }).body({ from: from.address, fault });
      return;
    }
    const { packet } = decoded;
    if (packet.code !== packetCodes.disconnectRequest && packet.code !== packetCodes.coaRequest) return;
    const key = `${from.address} ${from.port} ${packet.identifier} ${packet.authenticator.toString('hex')}`;
    const seen = known.get(key) ?? newRequest(packet, from);
    known.set(key, seen);
    seen.packets += 1;
    show(seen, { packets: seen.packets });
    const send = (bytes: Buffer): void => udp.send(bytes, from);
    // A retransmission gets the same answer, and ends no second session.
    if (seen.answer) return send(seen.answer);
    if (seen.isSlow) return;
    const answered = (nakCause: number | undefined): Buffer => {
      seen.answer ??= answerTo(packet, nakCause);
      show(seen, describeAnswer(seen.answer, nakCause));
      seen.entry.ended(seen.answer[0] ?? 0);
      return seen.answer;
    };
    const reply: Reply = {
      normal: () => answered(endSession(packet)),
      refusal: () => answered(cause),
      ignored: () => answered(ignore(packet)),
      send,
      hold: (bytes) => udp.hold(bytes, from),
    };
    const { mode, ms } = fails() ? { mode: 'refuse' as const, ms: 0 } : modes.next();
    seen.isSlow = mode === 'slow';
    const after = (delay: number, fn: () => void): void => {
      const cancel = clock.after(delay, () => {
        timers.delete(cancel);
        fn();
      });
      timers.add(cancel);
    };
    respondInNasMode(mode, reply, { ms, after, identifier: packet.identifier });
  };
  const newRequest = (packet: Packet, from: RemoteInfo): Known => {
    const method = packet.code === packetCodes.coaRequest ? 'CoA-Request' : 'Disconnect-Request';
    const fields = { ...describeRequest(packet), from: from.address };
    return { packets: 0, isSlow: false, fields, entry: stub.journal.add({ method, url: '/' }) };
  };

  const udp = await openUdp({ host, port: options.radiusPort }, receive).catch(async (error: unknown) => {
    await stub.close();
    throw error;
  });
  return {
    ...stub,
    radius: { address: udp.address, port: udp.port },
    sessions: () => [...sessions],
    setMode,
    close: async () => {
      for (const cancel of timers) cancel();
      await accounting.close();
      await udp.close();
      await stub.close();
    },
  };
}

function show(known: Known, more: Readonly<Record<string, unknown>>): void {
  known.fields = { ...known.fields, ...more };
  known.entry.body(known.fields);
}

function checkCause(cause: number): number {
  if (Number.isInteger(cause) && cause >= 0 && cause < 2 ** 32) return cause;
  throw new SwobError('BAD_INPUT', 'cause: expected an Error-Cause, such as 503');
}

function parseSession(body: Readonly<Record<string, unknown>>): NasSession {
  const textOf = (name: string): string | undefined => {
    const text = body[name];
    if (text === undefined) return undefined;
    if (typeof text === 'string' && Buffer.byteLength(text) <= maxValueBytes) return text;
    throw new SwobError('BAD_INPUT', `${name}: expected a text of at most ${maxValueBytes} bytes`);
  };
  const [sessionId, userName, clientMac] = [textOf('sessionId'), textOf('userName'), textOf('clientMac')];
  if (sessionId === undefined) throw new SwobError('BAD_INPUT', 'sessionId is missing');
  return {
    sessionId,
    ...(userName !== undefined && { userName }),
    ...(clientMac !== undefined && { clientMac }),
  };
}
