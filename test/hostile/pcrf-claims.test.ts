// The claims of signed tokens, validated by the running disconnect service (docs/protocol.md, P1–P5).

import { describe, expect, test } from 'vitest';
import { rs256, sampleClaims } from '../crypto/token-builder.ts';
import {
  type DisconnectService,
  expectRefused,
  expectService,
  goodToken,
  requestDisconnect,
  startDisconnect,
  tokenWith,
} from '../support/disconnect.ts';
import { startRawServer } from '../upstream/raw-server.ts';
import {
  macSpellings,
  noAddresses,
  noMacs,
  oddNumberFault,
  oddNumbers,
  separators,
  withControlCharacters,
} from './claim-attacks.ts';

/** Names and values in the query of the last call. */
const lastQuery = ({ pcrf }: DisconnectService) => pcrf.requests().at(-1)?.query;
const queryWith = (values: { session?: string; nas_ip?: string; vrf?: string; mac?: string }) =>
  Object.entries({
    session: sampleClaims.sessionId,
    nas_ip: sampleClaims.nasIp,
    vrf: sampleClaims.vrf,
    single: 'false',
    mac: sampleClaims.clientMac,
    remove_mac: 'true',
    ...values,
  });

describe('P1 nasIp', () => {
  const odd = ['169.254.169.254', '127.0.0.1', '::ffff:169.254.169.254', '::1', '100.113.0.1'];

  test('must be an address; it is data for the PCRF and never the host of a request', async () => {
    const bait = await startRawServer((socket) => void socket.end());
    const service = await startDisconnect();
    for (const nasIp of odd) {
      await expectService(service, tokenWith({ nasIp }));
      expect(lastQuery(service)).toEqual(queryWith({ nas_ip: nasIp }));
    }
    for (const nasIp of [...noAddresses, `127.0.0.1:${bait.port}`, `http://127.0.0.1:${bait.port}/`]) {
      await expectRefused(service, tokenWith({ nasIp }), 'nasIp is not an IP address');
    }
    expect(bait.accepted).toHaveLength(0);
  });

  test('must be in [disconnect] nas_allow if that is set', async () => {
    const service = await startDisconnect({ set: ['disconnect.nas_allow=100.112.0.0/16, 2001:db8::/32'] });
    for (const nasIp of odd) {
      await expectRefused(service, tokenWith({ nasIp }), 'nasIp is not in [disconnect] nas_allow');
    }
    for (const nasIp of ['100.112.0.1', '::ffff:100.112.255.255', '2001:DB8::1']) {
      await expectService(service, tokenWith({ nasIp }));
    }
  });
});

test('P2 a claim with a separator stays one parameter; one with control characters is rejected', async () => {
  const service = await startDisconnect();
  for (const text of separators) {
    await expectService(service, tokenWith({ vrf: text, sessionId: text }));
    expect(lastQuery(service)).toEqual(queryWith({ vrf: text, session: text }));
    await expectRefused(service, tokenWith({ clientMac: text }), 'clientMac is not a MAC address');
  }
  for (const text of withControlCharacters) {
    const fault = (name: string): string => `${name} has control characters`;
    await expectRefused(service, tokenWith({ vrf: text }), fault('vrf'));
    await expectRefused(service, tokenWith({ nasIp: text }), fault('nasIp'));
    await expectRefused(service, tokenWith({ sessionId: text }), fault('sessionId'));
  }
  await expectRefused(
    service,
    rs256(JSON.stringify({ ...sampleClaims, vrf: '\ud800' })),
    'vrf has control characters',
  );
  await expectService(service);
});

test('P3 sessionId keeps every digit of a string, and of a number that is written in digits alone; other numbers are rejected', async () => {
  const service = await startDisconnect();
  const withNumber = (number: string): string =>
    rs256(JSON.stringify(sampleClaims).replace('"5692549928996307964"', number));
  await expectService(service, goodToken);
  expect(lastQuery(service)).toEqual(queryWith({ session: '5692549928996307964' }));
  await expectService(service, tokenWith({ sessionId: '0005692549928996307965' }));
  expect(lastQuery(service)).toEqual(queryWith({ session: '0005692549928996307965' }));
  await expectService(service, withNumber('9007199254740991'));
  expect(lastQuery(service)).toEqual(queryWith({ session: '9007199254740991' }));
  for (const session of ['569254992899630796', '5692549928996307964', '9007199254740993', '9'.repeat(64)]) {
    await expectService(service, withNumber(session));
    expect(lastQuery(service)).toEqual(queryWith({ session }));
  }
  await expectRefused(service, withNumber('9'.repeat(65)), 'sessionId is longer than 64 characters');
  for (const number of oddNumbers) await expectRefused(service, withNumber(number), oddNumberFault);
});

test('P4 a MAC address in any spelling becomes canonical; anything else is rejected', async () => {
  const service = await startDisconnect();
  for (const clientMac of macSpellings) {
    await expectService(service, tokenWith({ clientMac }));
    expect(lastQuery(service)).toEqual(queryWith({ mac: 'FC-45-96-5F-50-AC' }));
  }
  for (const [clientMac, fault] of noMacs) await expectRefused(service, tokenWith({ clientMac }), fault);
});

test('P5 one error names every claim that is empty, missing or of another type', async () => {
  const service = await startDisconnect();
  for (const name of ['nasIp', 'vrf', 'sessionId']) {
    for (const [value, fault] of [
      [undefined, 'is missing'],
      [null, 'is missing'],
      ['', 'is empty'],
      ['  ', 'is empty'],
      [['1'], 'is not text'],
      [{}, 'is not text'],
      ['x'.repeat(256), 'is longer than'],
    ] as const) {
      const token = tokenWith({ [name]: value });
      const { status, text } = await requestDisconnect(service, token);
      expect([status, JSON.parse(text).fail]).toEqual([401, expect.stringContaining(`${name} ${fault}`)]);
    }
  }
  expect(service.calls()).toBe(0);
  await expectRefused(
    service,
    tokenWith({ nasIp: '', vrf: undefined, sessionId: null, clientMac: 'x' }),
    'sessionId is missing, nasIp is empty, vrf is missing, clientMac is not a MAC address',
  );
  await expectService(service, tokenWith({ vrf: 1 }));
});

test('P5 an empty vrf means a session without a VRF if [disconnect] empty_vrf allows it', async () => {
  const service = await startDisconnect();
  const fault = 'vrf is empty, which [disconnect] empty_vrf does not allow';
  await expectRefused(service, tokenWith({ vrf: '' }), fault);
  const allowing = await startDisconnect({ set: ['disconnect.empty_vrf=yes'] });
  await expectService(allowing, tokenWith({ vrf: '' }));
  expect(lastQuery(allowing)).toEqual(queryWith({ vrf: '' }));
  for (const vrf of [undefined, null, ' ', 1.5]) {
    const { status } = await requestDisconnect(allowing, tokenWith({ vrf }));
    expect([vrf, status]).toEqual([vrf, 401]);
  }
});
