// Stub of both Publishers, which lists the messages and payloads that it gets and can simulate failures. Used by `swob
// stub publisher` and tests.

import type { IncomingMessage, ServerResponse } from 'node:http';
import { LRUCache } from 'lru-cache';
import type { Clock } from '../domain/shared/ports.ts';
import { SwobError } from '../errors.ts';
import { type ControlRoutes, handleControl, isControl, listRoutes, sendNotFound } from './control-routes.ts';
import { type FailRatio, failing, requestedRatio } from './fail-ratio.ts';
import { publicationsPath, readPublication } from './publications.ts';
import { createRecentLog } from './recent-log.ts';
import { createModeSwitch, type ModeOptions, parseModeRequest } from './response-mode.ts';
import type { BehaviourStep } from './stub-script.ts';
import {
  pathOf,
  type RunningStub,
  readObject,
  readString,
  type StubAddress,
  sendJson,
  startStubServer,
} from './stub-server.ts';
import { systemClock } from './system-clock.ts';

const maxBodyBytes = 1024 * 1024;
/** The oldest messages and keys are dropped. */
const maxRemembered = 100_000;
/** UTF-16 units in all stored messages: what one JSON response can hold. */
const maxUnits = 64 * 1024 * 1024;
const maxKeyLength = 255;

export const publisherModes = ['normal', 'refuse', 'reject', 'hang', 'slow', 'close'] as const;

/**
 * What the stub simulates:
 * - `normal`: accepts a message and responds 200; `slow`: accepts it and responds after `ms`
 * - `close`: accepts it and closes the connection without a response
 * - `refuse`: 500; `reject`: 400; `hang`: no response; none of them accepts the message
 */
export type PublisherMode = (typeof publisherModes)[number];

export interface ArrivedMessage {
  /** The Idempotency-Key that came with it. */
  readonly id: string | null;
  /** Of a publication its address. */
  readonly MSISDN: string;
  /** Of a publication its text, as it came. */
  readonly message: string;
  /** Whether it came to `/v1/publications`. */
  readonly publication?: true;
  /** Unix time in milliseconds. */
  readonly at: number;
}

export interface PublisherStubOptions extends StubAddress {
  /** The mode at start; `normal` by default. */
  readonly mode?: PublisherMode;
  /** Milliseconds of mode `slow`; 1,000 by default. */
  readonly ms?: number;
  /** The modes of the first requests, in order. */
  readonly steps?: readonly BehaviourStep<PublisherMode>[];
  /** Messages that get 500 and are not accepted; none by default. */
  readonly fail?: FailRatio;
  /** Whether a message with an earlier Idempotency-Key is ignored; true by default. */
  readonly dedupe?: boolean;
  /** The tag that publications must have; none is checked by default. */
  readonly tag?: string;
  /** Called with each accepted message. */
  readonly onMessage?: (message: ArrivedMessage) => void;
  /** The system's clock by default. */
  readonly clock?: Pick<Clock, 'now' | 'after'>;
}

export interface RunningPublisherStub extends RunningStub {
  /** The last 100,000 accepted messages, oldest first. */
  messages(): readonly ArrivedMessage[];
  /** Changes the mode; throws BAD_INPUT when a number is out of range. */
  setMode(mode: PublisherMode, options?: ModeOptions & { readonly fail?: FailRatio }): void;
}

/** Starts the stub; throws UNAVAILABLE when it cannot listen at the address. */
export async function startPublisherStub(options: PublisherStubOptions): Promise<RunningPublisherStub> {
  const { clock = systemClock, dedupe = true, tag, onMessage } = options;
  const messages = createRecentLog<ArrivedMessage>(maxRemembered, {
    max: maxUnits,
    of: ({ MSISDN, message }) => MSISDN.length + message.length + 1,
  });
  const takenKeys = new LRUCache<string, true>({ max: maxRemembered });
  const modes = createModeSwitch<PublisherMode>(options.mode ?? 'normal', options.ms, options.steps);
  let fails = failing(options.fail);

  const setMode: RunningPublisherStub['setMode'] = (mode, { fail, ...rest } = {}) => {
    modes.set(mode, rest);
    if (fail) fails = failing(fail);
  };
  const take = (message: ArrivedMessage): void => {
    if (dedupe && message.id !== null) {
      if (takenKeys.has(message.id)) return;
      takenKeys.set(message.id, true);
    }
    messages.add(message);
    onMessage?.(message);
  };
  const answer = (message: ArrivedMessage, response: ServerResponse): void => {
    if (fails()) throw new SwobError('INTERNAL', 'the publisher stub was told to fail some messages');
    const { mode, ms } = modes.next();
    switch (mode) {
      case 'refuse':
        throw new SwobError('INTERNAL', 'the publisher stub was told to refuse');
      case 'reject':
        throw new SwobError('BAD_INPUT', 'the publisher stub was told to reject');
      case 'hang':
        return;
      case 'close':
        take(message);
        response.destroy();
        return;
      case 'slow':
        take(message);
        response.once(
          'close',
          clock.after(ms, () => respond(message, response)),
        );
        return;
      case 'normal':
        take(message);
        respond(message, response);
    }
  };
  const control: ControlRoutes = {
    ...listRoutes('/__messages', messages),
    'POST /__behaviour': (body) => {
      const { mode, ...rest } = parseModeRequest(body, publisherModes);
      const fail = requestedRatio(body);
      setMode(mode, { ...rest, ...(fail && { fail }) });
      return { mode, ...rest, ...(fail && { fail: body.fail }) };
    },
  };

  const stub = await startStubServer(options, async (request, response) => {
    if (isControl(request)) return handleControl(control, request, response);
    if (request.method !== 'POST') return sendNotFound(response);
    const body = await readObject(request, maxBodyBytes);
    if (pathOf(request) === publicationsPath) {
      const read = readPublication(body, tag);
      if (read.kind === 'refused')
        return sendJson(response, read.status, JSON.stringify({ detail: read.detail }));
      const { address: MSISDN, text: message } = read;
      return answer({ id: keyOf(request), MSISDN, message, publication: true, at: clock.now() }, response);
    }
    const [MSISDN, message] = [readString(body, 'MSISDN'), readString(body, 'message')];
    answer({ id: keyOf(request), MSISDN, message, at: clock.now() }, response);
  });
  return { ...stub, messages: () => messages.all(), setMode };
}

function keyOf(request: IncomingMessage): string | null {
  const key = request.headers['idempotency-key'];
  if (key === undefined) return null;
  if (typeof key === 'string' && key.length <= maxKeyLength) return key;
  throw new SwobError('BAD_INPUT', `Idempotency-Key: expected at most ${maxKeyLength} characters`);
}

function respond({ publication }: ArrivedMessage, response: ServerResponse): void {
  if (publication) {
    sendJson(response, 200, '{"message":"Publication request queued successfully."}');
    return;
  }
  response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8' }).end('published');
}
