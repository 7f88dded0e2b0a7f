import { describe, expect, test } from 'vitest';
import { createSeedToken } from '../../../../src/crypto/seed-token.ts';
import { createCli } from '../../harness.ts';

describe('swob seeds token', () => {
  test('prints the token derived from [seeds] token_secret', async () => {
    const cli = createCli({ env: { SWOB_SEEDS_TOKEN_SECRET: 'hush' } });
    expect(await cli.swob('seeds', 'token', '111')).toBe(0);
    expect(cli.out.text).toBe(`${createSeedToken('hush', '111')}\n`);
  });

  test('exits with 78 when there is no secret', async () => {
    const cli = createCli();
    expect(await cli.swob('seeds', 'token', '111')).toBe(78);
    expect(cli.err.text).toContain('token_secret');
  });
});
