// Calls every route of the gateway with the client that is generated from its document. client.test.ts checks the types
// of this file against that client, and runs it.

import * as api from './gateway-client.js';

export interface Given {
  readonly baseUrl: string;
  readonly fetch: typeof fetch;
  readonly adminToken: string;
  readonly publicKeyPem: string;
  /** Encrypts the password for a key, as a phone does. */
  readonly encrypt: (publicKeyPem: string) => string;
  /** An SMS that the Publisher takes, as a phone makes it with its shared key. */
  readonly sms: (encryptedSharedKey: string) => string;
  readonly msisdn: string;
  /** A time to come. */
  readonly schedule_at: string;
  /** Of the developer's phones. */
  readonly statusToken: string;
  readonly developer: { readonly auth_id: string; readonly auth_key: string };
  readonly setup: { readonly id: string; readonly key: string };
}

/** The data of an answer with this status, typed as the document says. */
function dataOf<A extends { status: number; data?: unknown }, S extends A['status']>(
  response: A,
  status: S,
): Extract<A, { status: S }>['data'] {
  if (response.status !== status)
    throw new Error(`expected ${status}, not ${response.status}: ${response.data}`);
  return response.data;
}

export async function callGateway(given: Given): Promise<void> {
  api.defaults.baseUrl = given.baseUrl;
  api.defaults.fetch = given.fetch;
  const headers = { authorization: `Bearer ${given.adminToken}` };

  await api.getService();
  await api.getLiveness();
  const readiness: string = dataOf(await api.getReadiness(), 200).state;
  if (readiness === 'unready') throw new Error(readiness);
  await api.getMetrics();

  const IMSI = '624010123456789';
  await api.pingSeed({ IMSI, MSISDN: given.msisdn, seed_type: 'seeder' });
  await api.registerSeed({ IMSI: '624010123456780', MSISDN: given.msisdn });
  const [seeder] = dataOf(await api.listSeeders(), 200);
  const lps: number | undefined = seeder?.LPS;
  const country: string | null | undefined = seeder?.country;
  if (!lps || !country) throw new Error('no seeder');
  if (dataOf(await api.listSeeds(), 200).length !== 2) throw new Error('not both seeds');
  const seed: { status: number; data?: string } = await api.getSeed(IMSI);
  if (seed.data !== given.msisdn) throw new Error(`not its number: ${seed.data}`);

  const [client] = dataOf(await api.listClients({ country: 'Cameroon' }), 200);
  const share: string | undefined = client?.reliability;
  if (share !== '0.00') throw new Error('no client');
  if (dataOf(await api.listGatewayClients({ msisdn: given.msisdn }), 200).length !== 1)
    throw new Error('not one');
  if (dataOf(await api.listClientCountries(), 200)[0] !== 'Cameroon') throw new Error('no country');
  if (dataOf(await api.listClientOperators('cameroon'), 200).length !== 1) throw new Error('no operator');
  const started = dataOf(await api.startReliabilityTest(given.msisdn, {}), 200);
  if (!('test_id' in started)) throw new Error(started.error);
  await api.receiveSms('gateway-client', { text: String(started.test_id), MSISDN: '+237690826242' });
  const done: number = dataOf(await api.listReliabilityTests(given.msisdn), 200).total_success;
  if (done !== 1) throw new Error('the test has not arrived');

  const opened = (await api.openSession('alice')).data ?? '';
  const replaced = await api.replaceSession('alice', opened.split('/').at(-1) ?? '');
  const session = replaced.data ?? '';
  const shaken = dataOf(await api.shakeHands('alice', session, { public_key: given.publicKeyPem }), 200);
  const password = given.encrypt(shaken.public_key);
  const paired = dataOf(await api.pairPhone('alice', session, { password }), 200);
  if (!paired.seeds_url.endsWith('/seeds')) throw new Error(paired.seeds_url);
  const pairedAt: number = dataOf(await api.getPairing('alice', { headers }), 200).pairedAt;
  if (!(pairedAt > 0)) throw new Error('not paired');
  const { pairings } = dataOf(await api.listPairings({ prefix: 'ali', limit: '10' }, { headers }), 200);
  if (pairings[0]?.userId !== 'alice') throw new Error('not listed');

  const text = given.sms(paired.shared_key);
  const received = await api.receiveSms('gateway-client', { text, MSISDN: given.msisdn });
  const id = received.headers.get('x-message-id') ?? '';
  const { developer, setup, msisdn } = given;
  const forwarded = dataOf(await api.publishSms({ text, address: msisdn, date: 1_764_421_200_123 }), 200);
  if (!forwarded.publisher_response) throw new Error('no response');
  dataOf(await api.publishSms({ text: 'hello', MSISDN: msisdn }), 400);
  const relayed: string = dataOf(await api.createPublication({ text, address: msisdn }), 200).message;
  if (!relayed) throw new Error('no message');
  const events: { at: number; event: string }[] = dataOf(await api.traceSms(id, { headers }), 200).history;
  if (events.length === 0) throw new Error('no history');
  dataOf(await api.listFailedSms({ headers }), 200);
  dataOf(await api.listFailedSms(), 401);
  dataOf(await api.listWaitingSms({ headers }), 200);
  dataOf(await api.listRefusedSms({ limit: '10' }, { headers }), 200);
  const waiting: number = dataOf(await api.summarizeSms({ headers }), 200).waiting;
  if (waiting !== 0) throw new Error('something waits');
  dataOf(await api.retryWaitingSms({ headers }), 200);
  dataOf(await api.retrySms(id, { headers }), 404);
  dataOf(await api.dropSms(id, { headers }), 404);
  const retried: number = dataOf(await api.retryFailedSms({ headers }), 200).retried;
  if (retried !== 0) throw new Error('something was retried');

  const revoked = dataOf(await api.revokePairing('alice', { headers }), 200);
  if (!revoked.revokedNow) throw new Error('not revoked');

  const found = dataOf(await api.findOperators([{ number: given.msisdn }]), 200);
  const operator: string | undefined = found[0]?.operator_name;
  if (!operator) throw new Error('no operator');
  await api.subscribe({ ...developer, ...setup });
  const data = [{ number: given.msisdn, text: 'hello', operator_name: operator }];
  const sent = await api.sendSms({ ...developer, data }, { idempotencyKey: 'once' });
  if (sent.status === 200) {
    // Nobody listens, so the broker takes none.
    const reasons: string[] = sent.data.errors.map((error) => error.error_message);
    if (reasons.length !== 1) throw new Error('no recipient failed');
  }
  const { schedule_at } = given;
  const scheduled = dataOf(
    await api.sendSms({ ...developer, data: [...data, ...data], schedule_at }, {}),
    200,
  );
  const ids: string[] = (scheduled.messages ?? []).map((message) => message.id);
  const [first = '', second = ''] = ids;
  const own = { headers: { authorization: `Basic ${btoa(`${developer.auth_id}:${developer.auth_key}`)}` } };
  const states = dataOf(await api.getSmsRequest(scheduled.uuid, own), 200).states;
  if (states.queued !== 2) throw new Error('not both are queued');
  const waitsUntil: string | undefined = dataOf(
    await api.getSms(scheduled.uuid, first, own),
    200,
  ).waits_until;
  if (waitsUntil !== schedule_at) throw new Error(`it waits until ${waitsUntil}`);
  const listed = dataOf(await api.listOutgoingSms({ uuid: scheduled.uuid }, { headers }), 200).messages;
  const oldest: string | undefined = dataOf(await api.showOutgoingSms(first, { headers }), 200).auth_id;
  if (listed.length !== 2 || oldest !== developer.auth_id) throw new Error('not listed');
  const cancelled: string = dataOf(await api.cancelSms(scheduled.uuid, first, own), 200).state;
  if (cancelled !== 'cancelled') throw new Error(cancelled);
  dataOf(await api.cancelOutgoingSms(first, { headers }), 200);
  const phone = { headers: { authorization: `Bearer ${given.statusToken}` } };
  const report = { type: 'SMS_TYPE_STATUS' as const, status: 'delivered' as const, id: second };
  dataOf(await api.reportStatus(developer.auth_id, report, {}, phone), 200);
  // No phone can have an SMS that waits, so that the report changes nothing.
  const [, late] = dataOf(await api.cancelSmsRequest(scheduled.uuid, own), 200).messages;
  if (late?.cancelled !== true) throw new Error('an SMS that waits was not cancelled');
  await api.unsubscribe({ ...developer, ...setup });
}
