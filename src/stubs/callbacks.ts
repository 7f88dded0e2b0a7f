// Stub of a developer's server that receives callbacks, and checks their signatures. Used by `swob stub callbacks` and tests.

import { secretsEqual } from '../crypto/constant-time.ts';
import { signWebhook, webhookKey } from '../crypto/webhook-signature.ts';
import type { Clock } from '../domain/shared/ports.ts';
import { SwobError } from '../errors.ts';
import { type BasicMode, basicModes, respondInBasicMode } from './basic-modes.ts';
import { handleControl, isControl, modeRoute } from './control-routes.ts';
import { createModeSwitch, type ModeOptions } from './response-mode.ts';
import type { BehaviourStep } from './stub-script.ts';
import {
  type RunningStub,
  readObjectWithText,
  type StubAddress,
  sendJson,
  startStubServer,
} from './stub-server.ts';
import { systemClock } from './system-clock.ts';

/** A result of 1,000 SMS with long error messages. */
const maxBodyBytes = 1024 * 1024;

export interface CallbacksStubOptions extends StubAddress {
  /** As `[outgoing] callback_secret`; '' checks no signature. */
  readonly secret?: string;
  /** The mode at start; `normal` by default. */
  readonly mode?: BasicMode;
  /** Milliseconds of mode `slow`; 1,000 by default. */
  readonly ms?: number;
  /** The modes of the first requests, in order. */
  readonly steps?: readonly BehaviourStep<BasicMode>[];
  /** The system's clock by default. */
  readonly clock?: Pick<Clock, 'now' | 'after'>;
}

export interface RunningCallbacksStub extends RunningStub {
  /** Changes the mode; throws BAD_INPUT when a number is out of range. */
  setMode(mode: BasicMode, options?: ModeOptions): void;
}

/**
 * Accepts a JSON object at any path with 204; 401 for a wrong signature. Throws UNAVAILABLE when it cannot listen at the
 * address, CONFIG for an unusable secret.
 */
export async function startCallbacksStub(options: CallbacksStubOptions): Promise<RunningCallbacksStub> {
  const { clock = systemClock, secret = '' } = options;
  // Refused now, and not with a 500 for each callback.
  if (secret !== '') webhookKey(secret);
  const modes = createModeSwitch<BasicMode>(options.mode ?? 'normal', options.ms, options.steps);
  const control = modeRoute(basicModes, modes.set);

  const stub = await startStubServer(options, async (request, response) => {
    if (isControl(request)) return handleControl(control, request, response);
    if (request.method !== 'POST') return sendJson(response, 405, '{"error":"a callback is a POST"}');
    const { text } = await readObjectWithText(request, maxBodyBytes);
    const { 'webhook-id': id, 'webhook-timestamp': time, 'webhook-signature': signature } = request.headers;
    if (
      secret !== '' &&
      !secretsEqual(String(signature), signWebhook(secret, String(id), Number(time), text))
    )
      throw new SwobError('UNAUTHENTICATED', 'missing or wrong webhook-signature');
    await respondInBasicMode(modes.next(), { name: 'callbacks', clock, response }, async () => {
      response.writeHead(204).end();
    });
  });
  return { ...stub, setMode: modes.set };
}
