// The types of the stub phone of `swob/testing`. Part of declarations.d.ts.
/// <reference lib="esnext.disposable" />

import type { BehaviourStep, ModeOptions, Stub, StubOptions } from './stub-types.js';

/**
 * What the phone does with an SMS:
 * - `delivered`: sends and acknowledges it, and reports `sent` and `delivered`; `slow`: the same after `ms`
 * - `sent`: reports `sent` only; `failed`: reports that it could not be sent; `silent`: sends it and reports nothing
 * - `lossy`: as `delivered`, but each report is lost with a probability of one half
 * - `duplicate`: as `delivered`, each report twice; `reorder`: in reverse order; `contradict`: followed by `failed`
 * - `reject`: rejects it without requeueing; `requeue`: with requeueing
 * - `die`: sends it, and loses the connection before it acknowledges, so that the broker delivers it again
 * - `mixed`: one of the others, by its share
 */
export type PhoneMode =
  | 'delivered'
  | 'slow'
  | 'sent'
  | 'failed'
  | 'silent'
  | 'lossy'
  | 'duplicate'
  | 'reorder'
  | 'contradict'
  | 'reject'
  | 'requeue'
  | 'die'
  | 'mixed';

/** An SMS as it arrives at a stub phone. */
export interface OutgoingSms {
  /** Of the message, in decimal digits; undefined when the broker's message has none. */
  readonly id: string | undefined;
  /** In E.164 format. */
  readonly number: string;
  readonly text: string;
  /** What becomes of it. */
  readonly mode: Exclude<PhoneMode, 'mixed'>;
}

export interface PhoneStubOptions extends StubOptions {
  /** URL of RabbitMQ without credentials, such as `amqp://localhost:5672`. */
  readonly brokerUrl: string;
  /** Auth id and key of the developer, who has subscribed. */
  readonly authId: string;
  readonly authKey: string;
  /** Listens by the name of an operator, as phones of 2022 do. */
  readonly operator?: string;
  /** Listens as DekuSMS does, by this key; all SMS of the developer by default. */
  readonly binding?: string;
  /** Where it reports, such as `http://localhost:6969/v1/status/dev1`; without it, it reports nothing. */
  readonly statusUrl?: string;
  /** As `swob sms outgoing token` prints it. */
  readonly statusToken?: string;
  /** The modes of the first SMS, in order, as `behaviour` of a scenario file. */
  readonly behaviour?: readonly BehaviourStep<PhoneMode>[];
  /** The mode at start; `delivered` by default, and with `mix` `mixed`. */
  readonly mode?: PhoneMode;
  /** Milliseconds of mode `slow`; 1,000 by default. */
  readonly ms?: number;
  /** Shares of mode `mixed`, from 0 to 1; the rest is delivered. */
  readonly mix?: Readonly<Partial<Record<Exclude<PhoneMode, 'mixed'>, number>>>;
  /** The same seed makes the same choices; `1` by default. */
  readonly seed?: string;
  /** Milliseconds that sending takes, and before each report; 0 by default. */
  readonly sendDelayMs?: number;
  readonly reportDelayMs?: number;
  /** Whether it reports on each part of a long SMS by itself; false by default. */
  readonly byPart?: boolean;
  /** SMS that it sends at the same time; 1 by default. */
  readonly prefetch?: number;
  /** Called with each SMS as it arrives. */
  readonly onSms?: (sms: OutgoingSms) => void;
}

/**
 * Its journal has an entry for each SMS, with method `SMS`. `body` has `number`, `text`, `id`, `binding`, `mode`, `encoding`, `parts`,
 * the reports that the gateway took (`reported`) and those that it did not (`lost`); `status` is that of its last response.
 */
export interface PhoneStub extends Stub {
  /** Changes the mode; throws when a number is out of range. */
  setMode(mode: PhoneMode, options?: ModeOptions): void;
}

/**
 * Starts a stub of a gateway phone, which consumes outgoing SMS from RabbitMQ and reports what became of them. Rejects when RabbitMQ
 * cannot be reached or refuses the developer.
 *
 * @example
 * await using phone = await stubPhone({ brokerUrl, authId: 'dev1', authKey, statusUrl, statusToken });
 * await phone.verify({ received: ['text~=Hello', 'reported~=delivered'], withinMs: 5_000 });
 */
export declare function stubPhone(options: PhoneStubOptions): Promise<PhoneStub>;
