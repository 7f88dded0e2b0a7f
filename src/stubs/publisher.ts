// Stand-in for the Publisher, which counts what arrives, and fails on order. Used by `swob stub publisher` and tests.

import type { IncomingMessage, ServerResponse } from 'node:http';
import { LRUCache } from 'lru-cache';
import type { Clock } from '../domain/ports.ts';
import { SwobError } from '../errors.ts';
import { type BehaviourOptions, behaviourIn, createBehaviour } from './behaviour.ts';
import { answerControl, type ControlRoutes, isControl, listRoutes, sendNoRoute } from './control.ts';
import { type RunningStub, readObject, startServer, textIn } from './listening.ts';
import { realClock } from './real-clock.ts';
import { createRecent } from './recent.ts';

const maxBodyBytes = 1024 * 1024;
/** Messages and keys that are remembered; the oldest ones are forgotten. */
const maxRemembered = 100_000;
/** UTF-16 units in all messages that are remembered: what one JSON answer can hold. */
const maxUnits = 64 * 1024 * 1024;
const maxKeyLength = 255;

export const publisherModes = ['normal', 'refuse', 'reject', 'hang', 'slow', 'close'] as const;

/**
 * - `normal`: takes a message and answers 200; `slow`: takes it, and answers after `ms`
 * - `close`: takes it, and ends the connection without an answer
 * - `refuse`: 500; `reject`: 400; `hang`: no answer; none of them takes it
 */
export type PublisherMode = (typeof publisherModes)[number];

/** Of `of` messages in a row the first `failing` are answered 500 and not taken. */
export interface FailRatio {
  readonly failing: number;
  readonly of: number;
}

export interface ArrivedMessage {
  /** The Idempotency-Key that came with it. */
  readonly id: string | null;
  readonly MSISDN: string;
  readonly message: string;
  /** Unix time in milliseconds. */
  readonly at: number;
}

export interface PublisherStubOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** How it answers from the start; `normal` by default. */
  readonly mode?: PublisherMode;
  /** Milliseconds of mode `slow`; 1,000 by default. */
  readonly ms?: number;
  /** None fail by default. */
  readonly fail?: FailRatio;
  /** Whether a message whose Idempotency-Key was taken before is dropped; true by default. */
  readonly dedupe?: boolean;
  /** Called with each message that is taken. */
  readonly onMessage?: (message: ArrivedMessage) => void;
  /** The real one by default. */
  readonly clock?: Pick<Clock, 'now' | 'after'>;
}

export interface RunningPublisherStub extends RunningStub {
  /** What was taken, oldest first; the last 100,000. */
  messages(): readonly ArrivedMessage[];
  /** Changes how it answers; throws BAD_INPUT when a number is out of its range. */
  setBehaviour(mode: PublisherMode, options?: BehaviourOptions & { readonly fail?: FailRatio }): void;
}

/** Starts the stand-in; throws UNAVAILABLE when the address cannot be listened on. */
export async function startPublisherStub(options: PublisherStubOptions): Promise<RunningPublisherStub> {
  const { clock = realClock, dedupe = true, onMessage } = options;
  const messages = createRecent<ArrivedMessage>(maxRemembered, {
    max: maxUnits,
    of: ({ MSISDN, message }) => MSISDN.length + message.length + 1,
  });
  const takenKeys = new LRUCache<string, true>({ max: maxRemembered });
  const behaviour = createBehaviour<PublisherMode>(options.mode ?? 'normal', options.ms);
  let fails = failing(options.fail);

  const setBehaviour: RunningPublisherStub['setBehaviour'] = (mode, { fail, ...rest } = {}) => {
    behaviour.set(mode, rest);
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
    const { mode, ms } = behaviour.next();
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
          clock.after(ms, () => published(response)),
        );
        return;
      case 'normal':
        take(message);
        published(response);
    }
  };
  const control: ControlRoutes = {
    ...listRoutes('/__messages', messages),
    'POST /__behaviour': (body) => {
      const { mode, ...rest } = behaviourIn(body, publisherModes);
      const fail = body.fail === undefined ? undefined : failIn(body.fail);
      setBehaviour(mode, { ...rest, ...(fail && { fail }) });
      return { mode, ...rest, ...(fail && { fail: body.fail }) };
    },
  };

  const stub = await startServer(options, async (request, response) => {
    if (isControl(request)) return answerControl(control, request, response);
    if (request.method !== 'POST') return sendNoRoute(response);
    const body = await readObject(request, maxBodyBytes);
    const [MSISDN, message] = [textIn(body, 'MSISDN'), textIn(body, 'message')];
    answer({ id: keyOf(request), MSISDN, message, at: clock.now() }, response);
  });
  return { ...stub, messages: () => messages.all(), setBehaviour };
}

/** `1/3` as a ratio; undefined when it is none. */
export function failRatio(text: string): FailRatio | undefined {
  const [, failing, of] = /^(\d{1,6})\/(\d{1,6})$/.exec(text) ?? [];
  const ratio = { failing: Number(failing), of: Number(of) };
  return ratio.of > 0 && ratio.failing <= ratio.of ? ratio : undefined;
}

function failIn(value: unknown): FailRatio {
  const ratio = typeof value === 'string' ? failRatio(value) : undefined;
  if (ratio) return ratio;
  throw new SwobError('BAD_INPUT', 'fail: expected a text such as "1/3", at most 999999 of 999999');
}

/** Counts messages, and says which ones fail. */
function failing(ratio: FailRatio = { failing: 0, of: 1 }): () => boolean {
  let seen = 0;
  return () => {
    const fails = seen < ratio.failing;
    seen = (seen + 1) % ratio.of;
    return fails;
  };
}

function keyOf(request: IncomingMessage): string | null {
  const key = request.headers['idempotency-key'];
  if (key === undefined) return null;
  if (typeof key === 'string' && key.length <= maxKeyLength) return key;
  throw new SwobError('BAD_INPUT', `Idempotency-Key: expected at most ${maxKeyLength} characters`);
}

function published(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8' }).end('published');
}
