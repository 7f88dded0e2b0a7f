// `swob jwt mint`: signs tokens for tests.

import { describe, expect, test } from 'vitest';
import { hs256, sampleClaims } from '../../../crypto/token-builder.ts';
import { runCommand } from '../../command-line.ts';
import { claimsOf, clock, keyFolder, parse, secret } from './keys.ts';

describe('mint', () => {
  const sample = [
    ...['--sub', 'user', '--auth', 'ROLE_ADMIN', '--session', '5692549928996307964'],
    ...['--nas-ip', '100.112.0.1', '--vrf', '1', '--mac', 'FC-45-96-5F-50-AC'],
  ];

  test('prints only the token, with the claims of the documented sample', async () => {
    const { at } = await keyFolder();
    const minted = await runCommand(['jwt', 'mint', '--key', at('private.pem'), ...sample], { clock });
    expect(minted).toMatchObject({ exit: 0, stderr: '' });
    expect(minted.stdout).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+\n$/);
    expect(claimsOf(minted.stdout)).toEqual({ ...sampleClaims, iat: 1_559_300_000, exp: 1_559_372_000 });
  });

  test('signs claims exactly as given: every digit, every member', async () => {
    const { at } = await keyFolder();
    const minted = await runCommand([
      ...['jwt', 'mint', '--key', at('private.pem'), '--claim', 'sessionId=5692549928996307964'],
      ...['--claim', 'twice={"a":1,"a":2}'],
    ]);
    expect(minted).toMatchObject({ exit: 0 });
    const payload = Buffer.from(minted.stdout.split('.')[1] ?? '', 'base64url').toString();
    expect(payload).toContain('"sessionId":5692549928996307964');
    expect(payload).toContain('"twice":{"a":1,"a":2}');
  });

  test('accepts roles, other claims of any JSON, times and algorithms', async () => {
    const { at } = await keyFolder();
    const options = [
      '--auth',
      'A',
      '--auth',
      'B',
      '--claim',
      'aud=["x"]',
      '--claim',
      'n=1',
      '--expires',
      '90s',
    ];
    const argv = ['--json', 'jwt', 'mint', '--key', at('secret'), '--alg', 'HS256', ...options];
    const { stdout } = await runCommand(argv, { clock });
    const claims = { auth: ['A', 'B'], iat: 1_559_300_000, exp: 1_559_300_090, aud: ['x'], n: 1 };
    expect(parse(stdout)).toEqual({ token: hs256(claims, secret, { alg: 'HS256', typ: 'JWT' }), claims });
  });

  test('signs invalid claims unchanged, for tests of a rejection', async () => {
    const { at } = await keyFolder();
    const mint = async (...options: string[]) =>
      claimsOf((await runCommand(['jwt', 'mint', '--key', at('private.pem'), ...options], { clock })).stdout);
    expect(await mint('--claim', 'exp="tomorrow"')).toMatchObject({ exp: 'tomorrow' });
    expect(await mint('--claim', 'iat=0')).toEqual({ iat: 0, exp: 72_000 });
    expect(JSON.stringify(await mint('--claim', '__proto__={"a":1}'))).toContain('"__proto__":{"a":1}');
    expect(await mint('--nas-ip', '', '--mac', 'x')).toMatchObject({ nasIp: '', clientMac: 'x' });
  });

  test.each([
    [[], '--key is missing'],
    [['--key', 'private.pem', '--alg', 'none'], 'Allowed choices are RS256, RS384, RS512, HS256'],
    [['--key', 'private.pem', '--claim', 'x'], '--claim x: expected name=json'],
    [
      ['--key', 'private.pem', '--claim', 'x=y'],
      `--claim x: the value is not JSON; put text in quotes: 'x="text"'`,
    ],
    [
      ['--key', 'private.pem', '--sub', 'a', '--claim', 'sub="b"'],
      '--claim sub and --sub exclude each other',
    ],
    [
      ['--key', 'private.pem', '--claim', 'a=1', '--claim', 'a=2'],
      '--claim a and another --claim exclude each other',
    ],
    [
      ['--key', 'private.pem', '--expires', '1h', '--claim', 'exp=1'],
      '--claim exp and --expires exclude each other',
    ],
    [['--key', 'private.pem', '--expires', 'soon'], 'Expected a duration such as'],
  ])('%j is a wrong command line', async (options, message) => {
    const { exit, stdout, stderr } = await runCommand(['jwt', 'mint', ...options]);
    expect([exit, stdout, stderr]).toEqual([64, '', expect.stringContaining(message)]);
  });

  test.each([
    ['public.pem', 'RS256', 'is not a private key in PEM'],
    ['secret', 'RS256', 'is not a private key in PEM'],
    ['private.pem', 'HS256', 'is a key or certificate in PEM, which HS256 must never take for a secret'],
    ['public.pem', 'HS256', 'is a key or certificate in PEM, which HS256 must never take for a secret'],
    ['absent', 'RS256', 'cannot read'],
  ])('%s for %s is refused by file name', async (name, alg, message) => {
    const { at } = await keyFolder();
    const { exit, stdout, stderr } = await runCommand(['jwt', 'mint', '--key', at(name), '--alg', alg]);
    expect([exit, stdout]).toEqual([78, '']);
    expect(stderr).toContain(at(name));
    expect(stderr).toContain(message);
  });
});
