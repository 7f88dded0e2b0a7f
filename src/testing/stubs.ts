// The stubs as `swob/testing` offers them: on a free port of 127.0.0.1 by default, verifiable, disposable. Used by index.ts
// and playground.ts.

import { amqpAddress } from '../amqp/address.ts';
import { systemClock } from '../app/system-clock.ts';
import { describeVerdict } from '../cli/verdict-report.ts';
import { waitForVerdict } from '../cli/wait-for-verdict.ts';
import { choosePhoneBinding } from '../domain/outgoing/broker-names.ts';
import { startCallbacksStub } from '../stubs/callbacks.ts';
import { startDeveloperStub } from '../stubs/developer.ts';
import { atLeastOnce, parseCondition, parseTimes } from '../stubs/expectation.ts';
import { startNasStub } from '../stubs/nas.ts';
import { startPcrfStub } from '../stubs/pcrf.ts';
import { startPublisherStub } from '../stubs/publisher.ts';
import type { RunningStub } from '../stubs/stub-server.ts';
import { startUsersStub } from '../stubs/users.ts';
import type * as declared from './declarations.d.ts';

export const stubPublisher: typeof declared.stubPublisher = async (options = {}) =>
  verifiable(await startPublisherStub(startOptions(options)), '/__messages');

export const stubPcrf: typeof declared.stubPcrf = async (options = {}) =>
  verifiable(await startPcrfStub(startOptions(options)), '/__requests');

export const stubNas: typeof declared.stubNas = async ({
  radiusPort = 0,
  secret = 'testing123',
  ...rest
} = {}) => verifiable(await startNasStub({ ...startOptions(rest), radiusPort, secret }));

export const stubDeveloper: typeof declared.stubDeveloper = async ({ developers, numbers, ...rest } = {}) => {
  const maps = { developers: toMap(developers), numbers: toMap(numbers) };
  return verifiable(await startDeveloperStub({ ...startOptions(rest), ...maps }), '/__requests');
};

export const stubUsers: typeof declared.stubUsers = async ({ users, ...rest } = {}) =>
  verifiable(await startUsersStub({ ...startOptions(rest), users: toMap(users) }));

export const stubCallbacks: typeof declared.stubCallbacks = async (options = {}) =>
  verifiable(await startCallbacksStub(startOptions(options)));

export const stubPhone: typeof declared.stubPhone = async ({
  brokerUrl,
  authId,
  authKey,
  operator,
  binding,
  ...rest
}) => {
  const chosen = choosePhoneBinding(authId, { operator, binding });
  if ('fault' in chosen) throw new Error(`${chosen.member}: ${chosen.fault}`);
  const broker = { ...amqpAddress(brokerUrl), username: authId, password: authKey };
  // Imported on use: amqplib doubles the start-up time, and few tests need it.
  const { startPhoneStub } = await import('../stubs/phone.ts');
  return verifiable(await startPhoneStub({ ...startOptions(rest), broker, binding: chosen }));
};

/** Options of this library as those of the stubs: a free port of 127.0.0.1 by default. */
function startOptions<Mode extends string, Options extends declared.StubOptions>({
  behaviour,
  ...options
}: Options & { readonly behaviour?: readonly declared.BehaviourStep<Mode>[] }) {
  const steps = behaviour?.map((step) => ({ times: 1, ...step }));
  return { host: '127.0.0.1', port: 0, ...options, ...(steps && { steps }) };
}

/** @param list the route of what the stub lists besides its journal, if there is one */
export function verifiable<T extends RunningStub>(stub: T, list?: '/__messages' | '/__requests') {
  return disposable({
    ...stub,
    journal: () => stub.journal.all(),
    verify: (expectation: declared.Expectation) => verifyJournal(stub, expectation),
    clear: async (): Promise<void> => {
      stub.journal.clear();
      if (list === undefined) return;
      await fetch(`${stub.url}${list}`, { method: 'DELETE', headers: { connection: 'close' } });
    },
  });
}

/** Adds what `await using` needs. */
export function disposable<T extends { close(): Promise<void> }>(resource: T): T & AsyncDisposable {
  return { ...resource, [Symbol.asyncDispose]: () => resource.close() };
}

async function verifyJournal(
  stub: RunningStub,
  { received = [], times, withinMs = 0 }: declared.Expectation,
): Promise<void> {
  const expectation = {
    received: received.map(parseCondition),
    times: times === undefined ? atLeastOnce : parseTimes(String(times)),
  };
  const { signal } = new AbortController();
  const options = { clock: systemClock, withinMs, signal };
  const verdict = await waitForVerdict(() => stub.journal.all(), expectation, options);
  if (!verdict.isMet) throw new Error(describeVerdict(expectation, verdict));
}

function toMap(record: Readonly<Record<string, string>> = {}): ReadonlyMap<string, string> {
  return new Map(Object.entries(record));
}
