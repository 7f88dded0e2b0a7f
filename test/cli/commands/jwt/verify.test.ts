import { writeFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { hs256, other, publicPem, rs256, sampleClaims, sampleTime } from '../../../crypto/token-builder.ts';
import { createFakeClock } from '../../../support/fake-clock.ts';
import { runCommand } from '../../command-line.ts';
import { clock, keyFolder, parse, secret } from './keys.ts';

describe('verify', () => {
  test('prints the claims of a valid token, from a file, stdin and the environment', async () => {
    const { key, token } = await keyFolder();
    const text = rs256(sampleClaims);
    const expected = { exit: 0, stdout: `${JSON.stringify(sampleClaims)}\n`, stderr: '' };
    const verify = ['jwt', 'verify', ...key];
    expect(await runCommand([...verify, token], { clock })).toEqual(expected);
    expect(await runCommand([...verify, '-'], { clock, stdin: `${text}\n` })).toEqual(expected);
    expect(await runCommand(verify, { clock, env: { SWOB_TOKEN: text } })).toEqual(expected);
    const inArgv = await runCommand([...verify, text], { clock });
    expect(inArgv).toMatchObject({
      exit: 0,
      stderr: expect.stringContaining('other users of this machine can see the token'),
    });
  });

  test('names every violated rule, and exits with 1', async () => {
    const { key } = await keyFolder();
    const stdin = rs256({ exp: 1_559_300_000, iat: 1_559_300_010, aud: 'b' });
    const rules = [
      '--issuer',
      'doors',
      '--audience',
      'a',
      '--leeway',
      '7s',
      '--max-lifetime',
      '1h',
      '--wifi',
    ];
    expect(
      await runCommand(['jwt', 'verify', '-', ...key, ...rules], {
        clock: createFakeClock(sampleTime + 9_500),
        stdin,
      }),
    ).toEqual({
      exit: 1,
      stdout: '',
      stderr:
        'swob: token refused: expired at 2019-05-31T10:53:20.000Z (exp), 9 s ago; --leeway is 7s, iss is missing, aud is not a, ' +
        'sessionId is missing, nasIp is missing, vrf is missing, clientMac is missing\n',
    });
  });

  test('prints result, claims and reasons as JSON', async () => {
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
      answer: {
        valid: false,
        claims: { exp: 1 },
        faults: ['expired at 1970-01-01T00:00:01.000Z (exp), 1559299999 s ago; --leeway is 5s'],
      },
    });
    // Unverified claims are not shown.
    expect(await json(rs256(sampleClaims, undefined, other.privateKey))).toEqual({
      exit: 1,
      answer: { valid: false, claims: null, faults: ['its signature does not match the key'] },
    });
  });

  test('ignores blanks and line ends around a token from every source', async () => {
    const { key, at } = await keyFolder();
    const spaced = ` \r\n\t${rs256(sampleClaims)} \r\n\n`;
    await writeFile(at('token'), spaced);
    const verify = (argument: string[], given: object) =>
      runCommand(['jwt', 'verify', ...argument, ...key], { clock, ...given });
    expect(await verify([`@${at('token')}`], {})).toMatchObject({ exit: 0 });
    expect(await verify(['-'], { stdin: spaced })).toMatchObject({ exit: 0 });
    expect(await verify([spaced], {})).toMatchObject({ exit: 0 });
    expect(await verify([], { env: { SWOB_TOKEN: spaced } })).toMatchObject({ exit: 0 });
    expect(await runCommand(['jwt', 'decode', '-'], { clock, stdin: spaced })).toMatchObject({ exit: 0 });
    expect(await verify(['-'], { stdin: ' \n' })).toMatchObject({
      exit: 65,
      stderr: expect.stringContaining('token: stdin is empty'),
    });
  });

  test('--empty-vrf accepts a session without a VRF', async () => {
    const { key } = await keyFolder();
    const verify = (...options: string[]) =>
      runCommand(['jwt', 'verify', '-', ...key, '--wifi', ...options], {
        clock,
        stdin: rs256({ ...sampleClaims, vrf: '' }),
      });
    expect(await verify()).toMatchObject({ exit: 1, stderr: expect.stringContaining('vrf is empty') });
    expect(await verify('--empty-vrf')).toMatchObject({ exit: 0 });
  });

  test('verifies HS256 with a secret and never with the public key', async () => {
    const { at, key } = await keyFolder();
    const good = hs256(sampleClaims, secret);
    const forged = hs256(sampleClaims, publicPem);
    const verify = (stdin: string, ...options: string[]) =>
      runCommand(['jwt', 'verify', '-', ...options], { clock, stdin });
    expect(await verify(good, '--key', at('secret'), '--alg', 'HS256')).toMatchObject({ exit: 0 });
    expect(await verify(forged, '--key', at('secret'), '--alg', 'HS256')).toMatchObject({ exit: 1 });
    expect(await verify(forged, ...key)).toMatchObject({ exit: 1 });
    const confused = await verify(forged, ...key, '--alg', 'HS256');
    expect(confused.exit).toBe(78);
    // The suggested command replaces no existing file.
    expect(confused.stderr).toContain('openssl rand -hex 32 > new.secret');
    expect(confused.stderr).not.toMatch(/> \S*public/);
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
