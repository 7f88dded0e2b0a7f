// Stub of a gateway phone: consumes outgoing SMS from a RabbitMQ, "sends" them, and reports what became of them. Used by
// `swob stub phone`, the playground and swob/testing.

import { setMaxListeners } from 'node:events';
import type { AmqpAddress } from '../amqp/address.ts';
import { consumeSms, type DeliveredMessage, type Verdict } from '../amqp/consumer.ts';
import type { PhoneBinding } from '../domain/outgoing/broker-names.ts';
import { readClusterBody, readDekuBody } from '../domain/outgoing/message-bodies.ts';
import type { Clock } from '../domain/shared/ports.ts';
import { delay } from '../lib/delay.ts';
import { nextTurn } from '../lib/next-turn.ts';
import { createSemaphore } from '../lib/semaphore.ts';
import { countSmsParts } from '../telecom/sms-parts.ts';
import { handleControl, isControl, modeRoute, sendNotFound } from './control-routes.ts';
import type { Journal } from './journal.ts';
import {
  checkMix,
  chooseMode,
  defaultMix,
  type PhoneMix,
  type PhoneMode,
  type PlannedReport,
  phoneModes,
  planReports,
  type SimpleMode,
  seededRandom,
} from './phone-modes.ts';
import { createModeSwitch, type ModeOptions } from './response-mode.ts';
import { postReport } from './status-reports.ts';
import type { BehaviourStep } from './stub-script.ts';
import { type RunningStub, type StubAddress, startStubServer } from './stub-server.ts';
import { systemClock } from './system-clock.ts';

/** SMS whose reports wait or are on their way; the phone takes no further ones before. */
const maxReporting = 10_000;
/** Concurrent requests to the gateway. */
const maxRequests = 16;

export interface PhoneStubOptions extends StubAddress {
  /** Of RabbitMQ, with the developer's auth id and key. */
  readonly broker: AmqpAddress;
  readonly binding: PhoneBinding;
  /** SMS that it takes before it has acknowledged the first of them; 1 by default. */
  readonly prefetch?: number;
  /** Where it reports; without it, it reports nothing. */
  readonly statusUrl?: string;
  /** As `swob sms outgoing token` prints it; not needed when the URL has it. */
  readonly statusToken?: string;
  /** The mode at start; `delivered` by default, and with a mix `mixed`. */
  readonly mode?: PhoneMode;
  /** Milliseconds of mode `slow`; 1,000 by default. */
  readonly ms?: number;
  /** The shares of mode `mixed`. */
  readonly mix?: PhoneMix;
  /** The modes of the first SMS, in order. */
  readonly steps?: readonly BehaviourStep<PhoneMode>[];
  /** The same seed makes the same choices; `1` by default. */
  readonly seed?: string;
  /** Milliseconds that sending takes, and before each report; 0 by default. */
  readonly sendDelayMs?: number;
  readonly reportDelayMs?: number;
  /** Whether it reports on each part by itself; false by default. */
  readonly byPart?: boolean;
  /** Called with each SMS as it arrives. */
  readonly onSms?: (sms: ArrivedSms) => void;
  /** The connection to RabbitMQ is lost; it reconnects. */
  readonly onLost?: (reason: string) => void;
  /** The system's clock by default. */
  readonly clock?: Pick<Clock, 'now' | 'after'>;
}

interface ArrivedSms {
  /** Undefined when the message of an operator's phone has none. */
  readonly id: string | undefined;
  readonly number: string;
  readonly text: string;
  readonly mode: SimpleMode;
}

export interface RunningPhoneStub extends RunningStub {
  /** Changes the mode; throws BAD_INPUT when a number is out of range. */
  setMode(mode: PhoneMode, options?: ModeOptions): void;
  /** Rejects when RabbitMQ refuses the phone for good; otherwise never settles. */
  readonly failed: Promise<never>;
}

interface Sms {
  readonly id: string | undefined;
  readonly sid: string | undefined;
  readonly number: string;
  readonly text: string;
}

type Reading = { readonly sms: Sms } | { readonly fault: string; readonly verdict: Verdict };

/** Resolves once it consumes. Throws what `consumeSms` throws, and UNAVAILABLE when it cannot listen at the address. */
export async function startPhoneStub(options: PhoneStubOptions): Promise<RunningPhoneStub> {
  const { binding, broker, clock = systemClock, statusUrl, statusToken, byPart = false } = options;
  const { sendDelayMs = 0, reportDelayMs = 0 } = options;
  const mix = checkMix(options.mix ?? defaultMix);
  const random = seededRandom(options.seed ?? '1');
  const firstMode = options.mode ?? (options.mix ? 'mixed' : 'delivered');
  const modes = createModeSwitch<PhoneMode>(firstMode, options.ms, options.steps);
  const control = modeRoute(phoneModes, modes.set);
  const reporting = createSemaphore({ maxHolders: maxReporting });
  const requests = createSemaphore({ maxHolders: maxRequests });
  const stopped = new AbortController();
  const { signal } = stopped;
  // One for each report that waits.
  setMaxListeners(0, signal);
  const pause = async (ms: number): Promise<void> => {
    if (ms > 0) await delay(clock, ms, signal);
  };

  const stub = await startStubServer(options, async (request, response) => {
    if (isControl(request)) return handleControl(control, request, response);
    sendNotFound(response);
  });

  const report = async (sms: Sms, planned: readonly PlannedReport[], entry: ReportLog): Promise<void> => {
    const target =
      statusUrl === undefined ? undefined : { url: statusUrl, token: statusToken, clock, signal };
    for (const { isLost, ...members } of planned) {
      await pause(reportDelayMs);
      if (isLost || !target || sms.id === undefined) {
        entry.unreported(members);
        continue;
      }
      const release = await requests.acquire();
      try {
        // A phone that knows no subscription ids has nothing else to name the SMS by.
        const body = { type: 'SMS_TYPE_STATUS', sid: sms.sid ?? sms.id, id: sms.id, ...members } as const;
        entry.reported(members, await postReport(target, body));
      } finally {
        release();
      }
    }
  };

  const handle = async (message: DeliveredMessage): Promise<Verdict> => {
    const reading = readSms(binding, message);
    if ('fault' in reading) {
      stub.journal.add(arrival).body({ fault: reading.fault, binding: binding.key });
      return reading.verdict;
    }
    const { sms } = reading;
    const { mode: chosen, ms } = modes.next();
    const mode = chosen === 'mixed' ? chooseMode(mix, random) : chosen;
    const { encoding, parts } = countSmsParts(sms.text);
    const planned = planReports(mode, byPart ? parts : undefined, random);
    const { redelivered } = message;
    const members = { ...sms, binding: binding.key, mode, encoding, parts, redelivered };
    const entry = addToJournal(stub.journal, members);
    options.onSms?.({ id: sms.id, number: sms.number, text: sms.text, mode });
    const release = await reporting.acquire();
    await pause(sendDelayMs + (mode === 'slow' ? ms : 0));
    // After the acknowledgement is written.
    void nextTurn()
      .then(() => report(sms, planned, entry))
      // Stopped: further reports are lost, as with a phone that is switched off.
      .catch(() => undefined)
      .finally(release);
    return verdictOf(mode);
  };

  let onReady = (): void => undefined;
  const ready = new Promise<void>((resolve) => {
    onReady = resolve;
  });
  const consuming = consumeSms({
    address: broker,
    binding,
    clock,
    signal,
    ...(options.prefetch !== undefined && { prefetch: options.prefetch }),
    onReady: () => onReady(),
    onLost: (reason) => options.onLost?.(reason),
    onMessage: handle,
  });
  const failed = new Promise<never>((_, reject) => {
    consuming.catch((error: unknown) => {
      if (!signal.aborted) reject(error);
    });
  });
  // Who does not wait for it sees it in the journal, which gets no further SMS.
  failed.catch(() => undefined);
  const close = async (): Promise<void> => {
    stopped.abort();
    await consuming.catch(() => undefined);
    await stub.close();
  };
  try {
    await Promise.race([ready, failed]);
  } catch (error) {
    await close();
    throw error;
  }
  let closed: Promise<void> | undefined;
  return { ...stub, setMode: modes.set, failed, close: () => (closed ??= close()) };
}

function verdictOf(mode: SimpleMode): Verdict {
  if (mode === 'reject' || mode === 'requeue') return mode;
  return mode === 'die' ? 'disconnect' : 'ack';
}

/** As a phone of that kind reads it. */
function readSms(binding: PhoneBinding, { content, messageId }: DeliveredMessage): Reading {
  if (!binding.declaresExchange) {
    const sms = readClusterBody(content);
    if (sms) return { sms: { ...sms, id: messageId, sid: undefined } };
    return { fault: 'no JSON with text and number', verdict: 'reject' };
  }
  const reading = readDekuBody(content);
  if (reading.kind === 'malformed') return { fault: 'DekuSMS cannot decode it', verdict: 'reject' };
  if (reading.kind === 'wrong-sid') return { fault: 'its sid is not a whole number', verdict: 'requeue' };
  const { text, to, sid, id } = reading.message;
  return { sms: { text, number: to, sid, id: String(id) } };
}

/** As the journal shows an SMS in place of a request. */
const arrival = { method: 'SMS', url: '/' };

type Report = Omit<PlannedReport, 'isLost'>;

/** Keeps the journal entry of an SMS up to date with its reports. */
interface ReportLog {
  reported(report: Report, result: { readonly answer: number | string; readonly attempts: number }): void;
  unreported(report: Report): void;
}

function addToJournal(journal: Journal, members: Readonly<Record<string, unknown>>): ReportLog {
  const reported: object[] = [];
  const lost: object[] = [];
  const body = (): Readonly<Record<string, unknown>> => ({ ...members, reported, lost });
  const entry = journal.add(arrival);
  entry.body(body());
  return {
    reported: (report, { answer, attempts }) => {
      const isTaken = typeof answer === 'number' && answer < 300;
      if (isTaken) reported.push({ ...report, attempts });
      else lost.push({ ...report, attempts, answer });
      entry.body(body());
      if (typeof answer === 'number') entry.ended(answer);
    },
    unreported: (report) => {
      lost.push(report);
      entry.body(body());
    },
  };
}
