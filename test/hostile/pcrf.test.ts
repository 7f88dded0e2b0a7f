// What a signed token may say, and what a PCRF may answer, through the running disconnect service
// (HOSTILE.md P1–P9).

import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { startPcrfStub } from '../../src/stubs/pcrf.ts';
import { rs256, sampleClaims } from '../crypto/handmade-token.ts';
import {
  ask,
  type DisconnectWorld,
  expectFailure,
  expectNoTrace,
  expectRefused,
  expectService,
  goodToken,
  startDisconnect,
  success,
  tokenWith,
} from '../support/disconnect.ts';
import { httpAnswer, startRawServer } from '../upstream/raw-server.ts';

/** Names and values of the last call. */
const lastQuery = ({ pcrf }: DisconnectWorld) => pcrf.requests().at(-1)?.query;
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
  const odd = [
    '169.254.169.254',
    'metadata.internal',
    '0144.0160.0.1',
    '::ffff:169.254.169.254',
    '100.112.0.1@169.254.169.254',
    '100.112.0.1/../..',
    '100.113.0.1',
  ];

  test('is data for the PCRF and never the host of a request', async () => {
    const bait = await startRawServer((socket) => void socket.end());
    const world = await startDisconnect();
    for (const nasIp of [...odd, `127.0.0.1:${bait.port}`, `http://127.0.0.1:${bait.port}/`]) {
      await expectService(world, tokenWith({ nasIp }));
      expect(lastQuery(world)).toEqual(queryWith({ nas_ip: nasIp }));
    }
    expect(bait.accepted).toHaveLength(0);
  });

  test('has to be in [disconnect] nas_allow where there is one', async () => {
    const world = await startDisconnect({ set: ['disconnect.nas_allow=100.112.0.0/16, 2001:db8::/32'] });
    for (const nasIp of odd) {
      await expectRefused(world, tokenWith({ nasIp }), 'nasIp is not in [disconnect] nas_allow');
    }
    for (const nasIp of ['100.112.0.1', '::ffff:100.112.255.255', '2001:DB8::1']) {
      await expectService(world, tokenWith({ nasIp }));
    }
  });
});

test('P2 a claim that holds a separator stays one parameter; control characters are refused', async () => {
  const world = await startDisconnect();
  for (const text of ['1&session=2', '1#x', '1?a=b', '1%26session=2', '1 2', '1+2', '1/../2', "1';--"]) {
    await expectService(world, tokenWith({ vrf: text, sessionId: text }));
    expect(lastQuery(world)).toEqual(queryWith({ vrf: text, session: text }));
    await expectRefused(world, tokenWith({ clientMac: text }), 'clientMac is not a MAC address');
  }
  for (const text of ['1\r\nX-Evil: 1', '1\n', 'a\0b', '\u007f', '1\u0085']) {
    const fault = (name: string): string => `${name} has control characters`;
    await expectRefused(world, tokenWith({ vrf: text }), fault('vrf'));
    await expectRefused(world, tokenWith({ nasIp: text }), fault('nasIp'));
    await expectRefused(world, tokenWith({ sessionId: text }), fault('sessionId'));
  }
  await expectRefused(
    world,
    rs256(JSON.stringify({ ...sampleClaims, vrf: '\ud800' })),
    'vrf has control characters',
  );
  await expectService(world);
});

test('P3 sessionId keeps every digit as text; a number that JSON does not keep whole is refused', async () => {
  const world = await startDisconnect();
  const withNumber = (number: string): string =>
    rs256(JSON.stringify(sampleClaims).replace('"5692549928996307964"', number));
  await expectService(world, goodToken);
  expect(lastQuery(world)).toEqual(queryWith({ session: '5692549928996307964' }));
  await expectService(world, tokenWith({ sessionId: '0005692549928996307965' }));
  expect(lastQuery(world)).toEqual(queryWith({ session: '0005692549928996307965' }));
  await expectService(world, withNumber('9007199254740991'));
  expect(lastQuery(world)).toEqual(queryWith({ session: '9007199254740991' }));
  for (const number of [
    '5692549928996307964',
    '9007199254740992',
    '9007199254740993',
    '-1',
    '1.5',
    '1e400',
  ]) {
    await expectRefused(
      world,
      withNumber(number),
      'sessionId is a number that JSON does not keep whole (0 to 2^53 is); sign it as text',
    );
  }
});

test('P4 a MAC in any spelling becomes canonical; what is none is refused', async () => {
  const world = await startDisconnect();
  const spellings = ['fc-45-96-5f-50-ac', 'FC:45:96:5F:50:AC', 'fc45.965f.50ac', 'FC45965f50aC'];
  for (const clientMac of spellings) {
    await expectService(world, tokenWith({ clientMac }));
    expect(lastQuery(world)).toEqual(queryWith({ mac: 'FC-45-96-5F-50-AC' }));
  }
  const refused: [mac: unknown, fault: string][] = [
    ['01-00-5E-00-00-01', 'clientMac is a multicast address'],
    ['FF-FF-FF-FF-FF-FF', 'clientMac is a multicast address'],
    ['00-00-00-00-00-00', 'clientMac is all zeros'],
    ['FC-45-96-5F-50', 'clientMac is not a MAC address'],
    ['FC-45-96-5F-50-AC-00', 'clientMac is not a MAC address'],
    ['FC-45:96-5F-50-AC', 'clientMac is not a MAC address'],
    ['GC-45-96-5F-50-AC', 'clientMac is not a MAC address'],
    ['', 'clientMac is not a MAC address'],
    [277_500_000_000_000, 'clientMac is not a MAC address'],
    [undefined, 'clientMac is missing'],
  ];
  for (const [clientMac, fault] of refused) await expectRefused(world, tokenWith({ clientMac }), fault);
});

test('P5 claims that are empty, missing or of another type are refused by name, all at once', async () => {
  const world = await startDisconnect();
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
      const { status, text } = await ask(world, token);
      expect([status, JSON.parse(text).fail]).toEqual([401, expect.stringContaining(`${name} ${fault}`)]);
    }
  }
  expect(world.calls()).toBe(0);
  await expectRefused(
    world,
    tokenWith({ nasIp: '', vrf: undefined, sessionId: null, clientMac: 'x' }),
    'sessionId is missing, nasIp is empty, vrf is missing, clientMac is not a MAC address',
  );
  await expectService(world, tokenWith({ vrf: 1 }));
});

test('P6 a redirect is not followed', async () => {
  const world = await startDisconnect();
  world.pcrf.setBehaviour('redirect', { count: 1 });
  expectFailure(
    await ask(world, goodToken),
    502,
    `${world.pcrfName} answered 302, a redirect, which is not followed`,
  );
  expect(world.calls()).toBe(1);
  await expectService(world);
});

describe('P7 with the one connection that the pool has', () => {
  const one = { set: ['pcrf.pool.max=1'] };

  test.each(['hang', 'drip'] as const)('a PCRF that answers by %s is 504 at the limit', async (mode) => {
    const world = await startDisconnect(one);
    world.pcrf.setBehaviour(mode, { count: 1 });
    const answer = ask(world, goodToken);
    await vi.waitFor(() => expect(world.calls()).toBe(1));
    for (let second = 0; second < 10; second += 1) {
      world.clock.advance(1_000);
      await new Promise(setImmediate);
    }
    expectFailure(await answer, 504, `${world.pcrfName} did not answer within 10000 ms`);
    await expectService(world);
  });

  test('one that closes in the middle is 502 at once', async () => {
    const world = await startDisconnect(one);
    world.pcrf.setBehaviour('close', { count: 1 });
    const { status, text } = await ask(world, goodToken);
    expect([status, JSON.parse(text)]).toEqual([
      502,
      { success: false, fail: expect.stringMatching(`^${world.pcrfName} broke its answer off \\(\\w+\\)$`) },
    ]);
    await expectService(world);
  });
});

describe('P8 an answer that is no success', () => {
  test.each([
    ['garbage', 'answered 200 with a body that is not JSON'],
    ['refuse', 'answered 500: the PCRF stub was told to refuse'],
    ['gzip-bomb', 'answered 200 with a compressed body, which was not asked for'],
    ['endless', 'sent an answer over 65536 bytes'],
  ] as const)('%s', async (mode, fail) => {
    const world = await startDisconnect();
    world.pcrf.setBehaviour(mode, { count: 1 });
    // The bomb may be over the limit before it is known for what it is.
    const allowed = mode === 'gzip-bomb' ? [fail, 'sent an answer over 65536 bytes'] : [fail];
    const { status, text } = await ask(world, goodToken);
    const said: { fail: string } = JSON.parse(text);
    expect([status, allowed.map((each) => `${world.pcrfName} ${each}`)]).toEqual([
      502,
      expect.arrayContaining([said.fail]),
    ]);
    await expectService(world);
  });

  test.each([
    ['false', 'refused: false'],
    ['{"success":false}', 'refused: it gives no reason'],
    ['{"success":false,"fail":"session not found"}', 'refused: session not found'],
    ['{"success":true,"error":"partly"}', 'refused: partly'],
    ['{"error":{"code":7}}', 'refused: {"code":7}'],
    ['{"fail":"a\\r\\nb\\u001b[31mc"}', 'refused: a b [31mc'],
    [`{"fail":"${'long '.repeat(100)}"}`, `refused: ${'long '.repeat(40)}`],
  ])('200 and %s', async (body, fail) => {
    const server = await startRawServer((socket) => void socket.write(httpAnswer(body)));
    const world = await startDisconnect({ pcrfPort: server.port });
    expectFailure(await ask(world, goodToken), 502, `${world.pcrfName} ${fail}`);
    expect(server.requests).toHaveLength(1);
  });

  test.each(['{"success":true}', '', 'true', '{"success":true,"error":null}', '{}'])(
    'while 200 and "%s" is one',
    async (body) => {
      const server = await startRawServer((socket) => void socket.write(httpAnswer(body)));
      const world = await startDisconnect({ pcrfPort: server.port });
      const { status, text } = await ask(world, goodToken);
      expect([status, text]).toEqual([200, success]);
    },
  );

  test('is read for 64 KiB and no more', async () => {
    let sent = 0;
    const server = await startRawServer((socket) => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n');
      const more = (): void => {
        while (!socket.destroyed && sent < 64 * 1024 * 1024 && socket.write(' '.repeat(65_536)))
          sent += 65_536;
      };
      socket.on('drain', more);
      more();
    });
    const world = await startDisconnect({ pcrfPort: server.port, set: ['pcrf.pool.min=0'] });
    expectFailure(await ask(world, goodToken), 502, `${world.pcrfName} sent an answer over 65536 bytes`);
    await vi.waitFor(() => expect(server.open.size).toBe(0));
    // What lies in the buffers of the kernel has been sent and is never read.
    expect(sent).toBeLessThan(32 * 1024 * 1024);
  });
});

describe('P9 a PCRF that cannot be reached', () => {
  test('is 502 and says so, never success, and is found again when it is back', async () => {
    const world = await startDisconnect();
    await world.pcrf.close();
    for (const token of [goodToken, goodToken, tokenWith({ sessionId: '2' })]) {
      expectFailure(await ask(world, token), 502, `${world.pcrfName} is unreachable (ECONNREFUSED)`);
      expectNoTrace(world, token);
    }
    expect(world.calls()).toBe(0);
    const again = await startPcrfStub({ host: '127.0.0.1', port: Number(new URL(world.pcrf.url).port) });
    onTestFinished(() => again.close());
    const { status, text } = await ask(world, goodToken);
    expect([status, text, again.requests().length]).toEqual([200, success, 1]);
  });

  test('because its name means nothing is the same', async () => {
    const world = await startDisconnect({ set: ['pcrf.host=pcrf.invalid'] });
    const { status, text } = await ask(world, goodToken);
    expect([status, text]).toEqual([
      502,
      expect.stringMatching(
        /^\{"success":false,"fail":"the PCRF at pcrf\.invalid:\d+ is unreachable \((ENOTFOUND|EAI_AGAIN)\)"\}$/,
      ),
    ]);
    expect(world.calls()).toBe(0);
  });
});
