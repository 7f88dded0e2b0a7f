// `--dry-run` of the commands that change messages: it reads, and changes nothing.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createCli, type FakeGateway, sharedFolder, startGateway } from '../../harness.ts';

const file = join(sharedFolder(), 'admin.token');
writeFileSync(file, 'an-admin-token-of-the-test\n');

const startMessages = (): Promise<FakeGateway> =>
  startGateway(({ path }) => {
    if (path === '/sms/summary') return { body: '{"waiting":2,"deadLetters":5,"upstreams":[]}' };
    const state = path.endsWith('/dead') ? 'dead-lettered' : 'sending';
    return { body: JSON.stringify({ id: 'x', state, history: [] }) };
  });

test.each([
  ['sms drop dead --dry-run', 0, 'dry run: 1 would be deleted\n', ''],
  [
    'sms drop busy dead --dry-run',
    1,
    'dry run: 1 would be deleted\n',
    'message busy is sending, not dead-lettered or outcome unknown',
  ],
  ['sms retry dead --dry-run', 0, 'dry run: 1 would be retried\n', ''],
  ['sms retry busy --dry-run', 1, '', 'message busy is sending, not waiting or'],
  ['sms retry --all --dry-run', 0, 'dry run: 5 would be retried\n', ''],
  ['sms retry --all --waiting --dry-run --json', 0, '{"dryRun":true,"retried":7}\n', ''],
])('swob %s', async (line, exit, out, error) => {
  const { url, requests } = await startMessages();
  const cli = createCli();
  const words = [...line.split(' '), '--url', url, '--set', `security.admin_token_filepath=${file}`];
  expect(await cli.swob(...words)).toBe(exit);
  expect(cli.out.text).toBe(out);
  expect(cli.err.text).toContain(error);
  expect(requests.map(({ method }) => method)).not.toContain('POST');
  expect(requests.map(({ method }) => method)).not.toContain('DELETE');
});
