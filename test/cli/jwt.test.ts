// The commands of `swob jwt`: make keys, sign, check, and show.

import { existsSync } from 'node:fs';
import { readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  hs256,
  other,
  privatePem,
  publicPem,
  rs256,
  sampleClaims,
  sampleTime,
} from '../crypto/handmade-token.ts';
import { createFakeClock } from '../support/fake-clock.ts';
import { temporaryFolder } from '../support/folders.ts';
import { runCommand } from './command-line.ts';

const clock = createFakeClock(sampleTime);
const secret = 'a secret of at least thirty-two bytes';

/** A folder with private.pem, public.pem, secret and the sample token. */
async function keyFolder() {
  const folder = temporaryFolder();
  const at = (name: string) => join(folder, name);
  await writeFile(at('private.pem'), privatePem, { mode: 0o600 });
  await writeFile(at('public.pem'), publicPem);
  await writeFile(at('secret'), `${secret}\n`, { mode: 0o600 });
  await writeFile(at('token'), `${rs256(sampleClaims)}\n`);
  return { at, key: ['--key', at('public.pem')], token: `@${at('token')}` };
}

const parse = (line: string): unknown => JSON.parse(line);
/** Payload of a token without a look at its signature. */
const claimsOf = (token: string): unknown =>
  parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'));

describe('keygen', () => {
  test('makes a pair that signs and checks, readable by the owner alone and by the group', async () => {
    const folder = join(temporaryFolder(), 'new');
    const [privateFile, publicFile] = [join(folder, 'private.pem'), join(folder, 'public.pem')];
    const made = await runCommand(['jwt', 'keygen', '--dir', folder]);
    expect(made).toEqual({ exit: 0, stdout: `${privateFile}\n${publicFile}\n`, stderr: '' });
    expect((await stat(privateFile)).mode & 0o777).toBe(0o600);
    expect((await stat(publicFile)).mode & 0o777).toBe(0o440);

    const { stdout: token } = await runCommand(['jwt', 'mint', '--key', privateFile, '--sub', 'user']);
    expect((await runCommand(['jwt', 'verify', '-', '--key', publicFile], { stdin: token })).exit).toBe(0);
  });

  test('takes file names of your own, and says them as JSON', async () => {
    const folder = temporaryFolder();
    const files = { private: join(folder, 'a', 'k'), public: join(folder, 'b', 'k') };
    const argv = ['--json', 'jwt', 'keygen', '--private', files.private, '--public', files.public];
    expect(parse((await runCommand(argv)).stdout)).toEqual(files);
    expect(await readFile(files.public, 'utf8')).toMatch(/^-----BEGIN PUBLIC KEY-----/);
  });

  test('never replaces a file or follows a link, and leaves no half pair behind', async () => {
    for (const name of ['private.pem', 'public.pem']) {
      const folder = temporaryFolder();
      const [taken, target] = [join(folder, name), join(folder, 'target')];
      await symlink(target, taken);
      const made = await runCommand(['jwt', 'keygen', '--dir', folder]);
      expect(made.exit).toBe(1);
      expect(made.stderr).toBe(`swob: ${taken} is there already; move it away or name another place\n`);
      expect(existsSync(target)).toBe(false);
      const others = ['private.pem', 'public.pem'].filter((file) => file !== name);
      for (const file of others) expect(existsSync(join(folder, file))).toBe(false);
    }
  });

  test.each([
    [['--dir', 'x', '--private', 'y'], '--dir and --private, --public contradict each other'],
    [['--private', 'y'], '--private and --public go together'],
    [['--bits', '1024'], 'Expected a number from 2048 to 8192'],
    [['--bits', '9000'], 'Expected a number from 2048 to 8192'],
  ])('%j is a wrong command line', async (options, message) => {
    const { exit, stderr } = await runCommand(['jwt', 'keygen', ...options]);
    expect([exit, stderr]).toEqual([64, expect.stringContaining(message)]);
  });

  test('a folder that cannot be written to is told', async () => {
    const folder = temporaryFolder();
    await writeFile(join(folder, 'file'), '');
    const { exit, stderr } = await runCommand(['jwt', 'keygen', '--dir', join(folder, 'file')]);
    expect([exit, stderr]).toEqual([78, expect.stringContaining('cannot write')]);
  });
});

describe('mint', () => {
  const sample = [
    ...['--sub', 'user', '--auth', 'ROLE_ADMIN', '--session', '5692549928996307964'],
    ...['--nas-ip', '100.112.0.1', '--vrf', '1', '--mac', 'FC-45-96-5F-50-AC'],
  ];

  test('prints the token alone, with the claims of the documented sample', async () => {
    const { at } = await keyFolder();
    const minted = await runCommand(['jwt', 'mint', '--key', at('private.pem'), ...sample], { clock });
    expect(minted).toMatchObject({ exit: 0, stderr: '' });
    expect(minted.stdout).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+\n$/);
    expect(claimsOf(minted.stdout)).toEqual({ ...sampleClaims, iat: 1_559_300_000, exp: 1_559_372_000 });
  });

  test('signs a claim as it was written: every digit, every member', async () => {
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

  test('takes roles, other claims of any JSON, times and algorithms', async () => {
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

  test('signs wrong claims as they are, for tests of a refusal', async () => {
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
      `--claim x: the value is not JSON; text needs quotes: 'x="text"'`,
    ],
    [
      ['--key', 'private.pem', '--sub', 'a', '--claim', 'sub="b"'],
      '--claim sub and --sub contradict each other',
    ],
    [
      ['--key', 'private.pem', '--claim', 'a=1', '--claim', 'a=2'],
      '--claim a and another --claim contradict',
    ],
    [['--key', 'private.pem', '--expires', '1h', '--claim', 'exp=1'], '--claim exp and --expires contradict'],
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
  ])('%s for %s is refused, and the file named', async (name, alg, message) => {
    const { at } = await keyFolder();
    const { exit, stdout, stderr } = await runCommand(['jwt', 'mint', '--key', at(name), '--alg', alg]);
    expect([exit, stdout]).toEqual([78, '']);
    expect(stderr).toContain(at(name));
    expect(stderr).toContain(message);
  });
});

describe('verify', () => {
  test('prints the claims of a good token, from a file, stdin and the environment', async () => {
    const { key, token } = await keyFolder();
    const text = rs256(sampleClaims);
    const expected = { exit: 0, stdout: `${JSON.stringify(sampleClaims)}\n`, stderr: '' };
    const verify = ['jwt', 'verify', ...key];
    expect(await runCommand([...verify, token], { clock })).toEqual(expected);
    expect(await runCommand([...verify, '-'], { clock, stdin: `${text}\n` })).toEqual(expected);
    expect(await runCommand(verify, { clock, env: { SWOB_TOKEN: text } })).toEqual(expected);
    const inArgv = await runCommand([...verify, text], { clock });
    expect(inArgv).toMatchObject({ exit: 0, stderr: expect.stringContaining('is visible to every user') });
  });

  test('names every rule that is broken, and exits with 1', async () => {
    const { key } = await keyFolder();
    const stdin = rs256({ exp: 1_559_300_000, iat: 1_559_300_010, aud: 'b' });
    const rules = [
      '--issuer',
      'doors',
      '--audience',
      'a',
      '--leeway',
      '5s',
      '--max-lifetime',
      '1h',
      '--wifi',
    ];
    expect(
      await runCommand(['jwt', 'verify', '-', ...key, ...rules], {
        clock: createFakeClock(sampleTime + 5_000),
        stdin,
      }),
    ).toEqual({
      exit: 1,
      stdout: '',
      stderr:
        'swob: token refused: expired at 2019-05-31T10:53:20.000Z (exp), iss is missing, aud is not a, ' +
        'sessionId is missing, nasIp is missing, vrf is missing, clientMac is missing\n',
    });
  });

  test('says as JSON whether, what and why', async () => {
    const { key } = await keyFolder();
    const json = async (stdin: string, ...options: string[]) => {
      const { exit, stdout } = await runCommand(['--json', 'jwt', 'verify', '-', ...key, ...options], {
        clock,
        stdin,
      });
      return { exit, answer: parse(stdout) };
    };
    expect(await json(rs256(sampleClaims), '--wifi')).toEqual({
      exit: 0,
      answer: { valid: true, claims: sampleClaims, faults: [] },
    });
    expect(await json(rs256({ exp: 1 }))).toEqual({
      exit: 1,
      answer: { valid: false, claims: { exp: 1 }, faults: ['expired at 1970-01-01T00:00:01.000Z (exp)'] },
    });
    // Claims that nobody vouches for are not shown.
    expect(await json(rs256(sampleClaims, undefined, other.privateKey))).toEqual({
      exit: 1,
      answer: { valid: false, claims: null, faults: ['its signature does not match the key'] },
    });
  });

  test('HS256 is checked with a secret and never with the public key', async () => {
    const { at, key } = await keyFolder();
    const good = hs256(sampleClaims, secret);
    const forged = hs256(sampleClaims, publicPem);
    const verify = (stdin: string, ...options: string[]) =>
      runCommand(['jwt', 'verify', '-', ...options], { clock, stdin });
    expect(await verify(good, '--key', at('secret'), '--alg', 'HS256')).toMatchObject({ exit: 0 });
    expect(await verify(forged, '--key', at('secret'), '--alg', 'HS256')).toMatchObject({ exit: 1 });
    expect(await verify(forged, ...key)).toMatchObject({ exit: 1 });
    expect(await verify(forged, ...key, '--alg', 'HS256')).toMatchObject({ exit: 78 });
    expect(await verify(rs256(sampleClaims), '--key', at('private.pem'))).toMatchObject({
      exit: 78,
      stderr: expect.stringContaining('holds a private key'),
    });
  });

  test('without a token or a key the command line is wrong', async () => {
    const { key, token } = await keyFolder();
    expect(await runCommand(['jwt', 'verify', ...key])).toMatchObject({ exit: 64 });
    expect(await runCommand(['jwt', 'verify', token])).toMatchObject({ exit: 64 });
    expect(await runCommand(['jwt'])).toMatchObject({ exit: 64 });
  });
});

describe('decode', () => {
  test('prints both parts as they were signed, and says loudly that nothing was verified', async () => {
    const stdin = rs256(
      '{"sessionId": 5692549928996307964}',
      { alg: 'RS256', crit: ['x'] },
      other.privateKey,
    );
    expect(await runCommand(['jwt', 'decode', '-'], { stdin })).toEqual({
      exit: 0,
      stdout: '{"alg":"RS256","crit":["x"]}\n{"sessionId": 5692549928996307964}\n',
      stderr: 'swob: NOTHING WAS VERIFIED: anyone can have written this; swob jwt verify checks it\n',
    });
    expect((await runCommand(['-q', 'jwt', 'decode', '-'], { stdin })).stderr).toContain(
      'NOTHING WAS VERIFIED',
    );
  });

  test('as JSON says that it is not verified', async () => {
    const { stdout } = await runCommand(['--json', 'jwt', 'decode', '-'], { stdin: rs256(sampleClaims) });
    expect(parse(stdout)).toEqual({
      verified: false,
      header: { alg: 'RS256', typ: 'JWT' },
      payload: sampleClaims,
    });
  });

  test('strips terminal escapes', async () => {
    const { stdout } = await runCommand(['jwt', 'decode', '-'], { stdin: rs256('{"a":"\u009b31m\u202e"}') });
    expect(stdout).toBe('{"alg":"RS256","typ":"JWT"}\n{"a":""}\n');
  });

  test('what is no token is bad data', async () => {
    const { exit, stdout, stderr } = await runCommand(['jwt', 'decode', '-'], { stdin: 'a.b' });
    expect([exit, stdout]).toEqual([65, '']);
    expect(stderr).toBe('swob: not a token: it has 2 parts, not 3 (header.payload.signature)\n');
  });
});
