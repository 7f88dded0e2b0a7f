import { describe, expect, test } from 'vitest';
import { other, rs256, sampleClaims } from '../../../crypto/token-builder.ts';
import { runCommand } from '../../command-line.ts';
import { parse } from './keys.ts';

describe('decode', () => {
  test('prints both parts as signed, and warns that nothing was verified', async () => {
    const stdin = rs256(
      '{"sessionId": 5692549928996307964}',
      { alg: 'RS256', crit: ['x'] },
      other.privateKey,
    );
    expect(await runCommand(['jwt', 'decode', '-'], { stdin })).toEqual({
      exit: 0,
      stdout: '{"alg":"RS256","crit":["x"]}\n{"sessionId": 5692549928996307964}\n',
      stderr: 'swob: NOT VERIFIED: anyone can have written this token; `swob jwt verify` verifies it\n',
    });
    expect((await runCommand(['-q', 'jwt', 'decode', '-'], { stdin })).stderr).toContain('NOT VERIFIED');
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

  test('without a token says how to pass one', async () => {
    const { exit, stderr } = await runCommand(['jwt', 'decode']);
    expect([exit, stderr]).toEqual([
      64,
      expect.stringContaining('swob: the token is missing: pass @file or - (stdin)'),
    ]);
  });

  test('text that is not a token is a data error', async () => {
    const { exit, stdout, stderr } = await runCommand(['jwt', 'decode', '-'], { stdin: 'a.b' });
    expect([exit, stdout]).toEqual([65, '']);
    expect(stderr).toBe('swob: not a token: it has 2 parts, not 3 (header.payload.signature)\n');
  });
});
