import { describe, expect, test } from 'vitest';
import { createStatusToken } from '../../../../src/crypto/status-token.ts';
import { createCli } from '../../harness.ts';

describe('swob sms outgoing token', () => {
  test('prints the token derived from [outgoing] status_secret, as text or JSON', async () => {
    const cli = createCli({ env: { SWOB_OUTGOING_STATUS_SECRET: 'hush' } });
    expect(await cli.swob('sms', 'outgoing', 'token', 'dev1')).toBe(0);
    expect(await cli.swob('sms', 'outgoing', 'token', 'dev1', '--json')).toBe(0);
    const token = createStatusToken('hush', 'dev1');
    expect(cli.out.text).toBe(`${token}\n{"authId":"dev1","token":"${token}"}\n`);
  });

  test('exits with 78 when there is no secret, with 64 for an invalid auth id', async () => {
    const cli = createCli();
    expect(await cli.swob('sms', 'outgoing', 'token', 'dev1')).toBe(78);
    expect(cli.err.text).toContain('[outgoing] status_secret is not set');
    expect(await cli.swob('sms', 'outgoing', 'token', 'dev.1')).toBe(64);
  });
});
