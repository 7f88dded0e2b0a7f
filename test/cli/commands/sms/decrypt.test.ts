// `swob sms decrypt`: decrypts an SMS as the gateway does.

import { describe, expect, test } from 'vitest';
import { encryptAsApp } from '../../../support/sms.ts';
import { type CliOptions, createCli } from '../../harness.ts';
import { message } from './gateway.ts';

describe('swob sms decrypt', () => {
  const key = '0123456789abcdef0123456789abcdef';
  const decrypt = async (text: string, options: CliOptions, ...more: string[]) => {
    const cli = createCli(options);
    const exit = await cli.swob('sms', 'decrypt', text, '--key', '-', ...more);
    return { exit, out: cli.out.text, err: cli.err.text };
  };

  test('prints the text of the SMS, escaped on a terminal and complete with --json', async () => {
    const text = encryptAsApp(key, 'g:a\n\u001b[31mred');
    expect(await decrypt(text, { stdin: key })).toEqual({ exit: 0, out: 'g:a\nred\n', err: '' });
    const json = await decrypt(text, { stdin: key }, '--json');
    expect(JSON.parse(json.out)).toEqual({ message: 'g:a\n\u001b[31mred' });
  });

  test('exits with 1 for a wrong key, and for text that is not an SMS', async () => {
    for (const text of [encryptAsApp('f'.repeat(32), message), 'hello']) {
      const { exit, out, err } = await decrypt(text, { stdin: key });
      expect([exit, out]).toEqual([1, '']);
      expect(err).toContain('cannot decrypt');
    }
  });

  test('reads one of the two from stdin, not both', async () => {
    expect((await decrypt('-', { stdin: key })).exit).toBe(64);
  });
});
