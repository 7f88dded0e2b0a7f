// The disconnect service with backend = radius or both: what it sends, what each answer of a NAS becomes, and how it works with the
// PCRF. radius-claims.test.ts and radius-answers.test.ts have the rows of docs/protocol.md.

import { chmodSync, writeFileSync } from 'node:fs';
import { expect, test, vi } from 'vitest';
import type { NasStubOptions } from '../../src/stubs/nas.ts';
import { hs256, publicPem, sampleClaims } from '../crypto/token-builder.ts';
import {
  type DisconnectService,
  expectFailure,
  failure,
  partialSuccess,
  requestDisconnect,
  startDisconnect,
  success,
  tokenWith,
} from '../support/disconnect.ts';
import { startNas } from '../support/nas.ts';

const local = { nasIp: '127.0.0.1', clientIp: '192.0.2.7' };
const token = tokenWith(local);
const notRemoved = 'the MAC address was not removed from the NAS';
const done = partialSuccess;

interface Options {
  readonly set?: readonly string[];
  readonly nas?: Partial<NasStubOptions>;
}

async function start({ set = [], nas = {} }: Options = {}) {
  const { stub, secretFile, name, set: own } = await startNas(nas);
  const service = await startDisconnect({ set: [...own, ...set] });
  return { service, stub, file: secretFile, label: name };
}

async function textOf(service: DisconnectService, given = token): Promise<[number, string]> {
  const { status, text } = await requestDisconnect(service, given);
  return [status, text];
}

test('a session is ended at its NAS; the PCRF is not called, and the response says what was not done', async () => {
  const { service, stub } = await start();
  expect(await textOf(service)).toEqual([200, done]);
  expect(service.calls()).toBe(0);
  expect(stub.journal.all()).toMatchObject([
    {
      method: 'Disconnect-Request',
      status: 41,
      body: {
        user: sampleClaims.sub,
        session: sampleClaims.sessionId,
        mac: 'FC-45-96-5F-50-AC',
        nas_ip: '127.0.0.1',
        signed: true,
        packets: 1,
      },
    },
  ]);
  expect(service.log.lines).toContainEqual(
    expect.objectContaining({
      message: 'logged out',
      fields: expect.objectContaining({ nas: 'branch', attempts: 1, notDone: [notRemoved] }),
    }),
  );
});

test.each([
  ['generic', { mac: 'FC-45-96-5F-50-AC' }, [80, 1, 44, 31, 4, 55]],
  ['mikrotik', { mac: 'FC:45:96:5F:50:AC', client_ip: '192.0.2.7' }, [80, 1, 44, 31, 8, 4, 55]],
  ['cisco', { mac: 'FC-45-96-5F-50-AC' }, [80, 44, 31, 55]],
  ['fortigate', { client_ip: '192.0.2.7' }, [80, 1, 8, 44, 31, 55]],
  ['ruckus', {}, [80, 1, 44, 31, 4, 6, 55]],
  ['aruba', { mac: 'FC45965F50AC' }, [80, 1, 8, 31, 44, 55]],
])('profile %s sends what its NAS understands', async (profile, body, attributes) => {
  const { service, stub } = await start({ set: [`nas branch.profile=${profile}`] });
  expect((await textOf(service))[0]).toBe(200);
  expect(stub.journal.all()).toMatchObject([{ body: { ...body, attributes } }]);
});

test('a profile that needs a claim refuses a token without it', async () => {
  const { service, stub, label } = await start({ set: ['nas branch.profile=fortigate'] });
  const without = tokenWith({ nasIp: '127.0.0.1' });
  const fail = `${label} needs clientIp (Framed-IP-Address) to find the session, which the token does not have`;
  expect(await textOf(service, without)).toEqual([400, failure(400, fail)]);
  expect(stub.journal.all()).toEqual([]);
});

test('a NAK is a failure with its Error-Cause; an unknown session is a success with already_gone = success', async () => {
  const { service, stub, label } = await start({ nas: { sessions: [{ sessionId: '1' }] } });
  const gone = `${label} refused (503, session context not found)`;
  expectFailure(await requestDisconnect(service, token), 502, gone);
  stub.setMode('refuse', { cause: 501 });
  const prohibited =
    '501, administratively prohibited; allow Disconnect and CoA from the address of this machine at the NAS';
  expectFailure(await requestDisconnect(service, token), 502, `${label} refused (${prohibited})`);
  const lenient = await start({
    nas: { sessions: [{ sessionId: '1' }] },
    set: ['disconnect.already_gone=success'],
  });
  expect(await textOf(lenient.service)).toEqual([200, done]);
});

test('P1 and tokens: nothing is sent to an address that is not configured, nor for a token that is refused', async () => {
  const { service, stub } = await start({ set: ['nas branch.vrf=1'] });
  const unknown = 'token refused: no [nas …] section has its nasIp and vrf';
  for (const claims of [{ nasIp: '127.0.0.2' }, { nasIp: '169.254.169.254' }, { ...local, vrf: '2' }])
    expectFailure(await requestDisconnect(service, tokenWith(claims)), 401, unknown);
  for (const bad of [
    'a.b.c',
    hs256({ ...sampleClaims, ...local }, publicPem),
    tokenWith({ ...local, exp: 1 }),
  ])
    expect((await requestDisconnect(service, bad)).status).toBe(401);
  for (const text of ['1\r\nX: 1', 'a\0b'])
    expect((await requestDisconnect(service, tokenWith({ ...local, sessionId: text }))).status).toBe(401);
  expect(stub.journal.all()).toEqual([]);
  expect(await textOf(service)).toEqual([200, done]);
});

test('P11 the same token in many concurrent requests is one request to the NAS', async () => {
  const { service, stub } = await start({ nas: { mode: 'hang' } });
  const responses = Array.from({ length: 50 }, () => textOf(service));
  let ended = false;
  const all = Promise.all(responses).finally(() => {
    ended = true;
  });
  await vi.waitFor(() => expect(stub.journal.all()).toHaveLength(1));
  // Requests that arrive after the timeout of the first ones make another call.
  await vi.waitFor(() => {
    service.clock.advance(1_000);
    expect(ended).toBe(true);
  });
  expect(new Set((await all).map(([status]) => status))).toEqual(new Set([504]));
  const runs = service.log.lines.filter(({ message }) => message === 'not logged out');
  expect(stub.journal.all()).toHaveLength(runs.length);
  expect(runs.length).toBeLessThan(50);
});

test('a changed secret is used without a restart; an unreadable one keeps the last good one', async () => {
  const { service, file } = await start();
  chmodSync(file, 0o600);
  writeFileSync(file, '');
  for (let poll = 0; poll < 3; poll += 1) {
    service.clock.advance(2_000);
    await new Promise(setImmediate);
  }
  expect(await textOf(service)).toEqual([200, done]);
  writeFileSync(file, 'another secret');
  await vi.waitFor(() => {
    service.clock.advance(2_000);
    const messages = service.log.lines.map(({ message }) => message);
    expect(messages).toContain('a new NAS secret is in use');
  });
});

test('both: the PCRF is called first, and a session that the NAS then does not know is gone', async () => {
  const { service, stub, label } = await start({
    set: ['disconnect.backend=both'],
    nas: { sessions: [{ sessionId: sampleClaims.sessionId }] },
  });
  // The PCRF has removed the MAC address, so nothing is left undone.
  expect(await textOf(service)).toEqual([200, success]);
  expect([service.calls(), stub.journal.all().length]).toEqual([1, 1]);
  expect(await textOf(service)).toEqual([200, success]);
  service.pcrf.setMode('refuse', { count: 1 });
  const refused = `${service.pcrfName} answered 500: the PCRF stub was told to refuse`;
  expectFailure(
    await requestDisconnect(service, token),
    502,
    `${refused}; ${label} refused (503, session context not found)`,
  );
});

test('the service does not start without a usable secret, and says which', async () => {
  const set = [
    'disconnect.backend=radius',
    'nas branch.address=127.0.0.1',
    'nas branch.secret_file=/nowhere/secret',
  ];
  await expect(startDisconnect({ set })).rejects.toMatchObject({
    code: 'CONFIG',
    message: expect.stringMatching(/\[nas branch\] secret_file: cannot read .*nowhere.*ENOENT/),
  });
});
