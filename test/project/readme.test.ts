// Runs the commands of the README as printed, in the order of the page.

import { readFile } from 'node:fs/promises';
import { expect, onTestFinished, test } from 'vitest';
import { errorCatalogue } from '../../src/errors.ts';
import { present } from '../support/needs.ts';
import { freePort } from '../support/ports.ts';
import { redisNeeds, startRedis } from '../support/redis-server.ts';
import { openPage } from './page-commands.ts';

/** The default port of each stub, which may be in use here. */
const stubPorts = { users: 9000, developer: 9100, publisher: 9200, pcrf: 7070 };

test('the commands of the README work as printed', async () => {
  const redis = present(...redisNeeds) ? await startRedis() : undefined;
  onTestFinished(() => redis?.stop());
  const ports: Record<number, number> = { 6379: redis?.port ?? 0 };
  for (const port of [6969, 6996, 9096, ...Object.values(stubPorts)]) ports[port] = await freePort();
  const page = await openPage('README.md', ports, {
    SWOB_API_PORT: '6969',
    SWOB_WEBSOCKET_PORT: '6996',
    SWOB_DISCONNECT_PORT: '9096',
    SWOB_DEV_API_AUTHENTICATION_URL: 'http://127.0.0.1:9100/v1/authenticate',
    SWOB_PCRF_PORT: '7070',
    SWOB_BACKEND_PUBLISHER_PORT: '9100',
    SWOB_PUBLISHER_PORT: '9200',
    SWOB_USER_MANAGEMENT_API_API_URL: 'http://127.0.0.1:9000',
    SWOB_USER_MANAGEMENT_API_VERIFICATION_URL: 'http://127.0.0.1:9000/v2/users/%s/verify',
    SWOB_USER_MANAGEMENT_API_PLATFORMS_URL: 'http://127.0.0.1:9000/v2/users/%s/platforms',
  });
  const { start, run, withPorts } = page;

  const seen: string[] = [];
  let daemon: ReturnType<typeof start> | undefined;
  for (const block of page.blocks) {
    // This test is part of `npm test`.
    if (block === 'npm test') continue;
    seen.push(block);
    const stub = Object.entries(stubPorts).find(([name]) => block.includes(`bin/swob stub ${name}`));
    if (block === 'npm start') {
      daemon = start(block);
      await daemon.until(/sync ready at /);
      const printed = /^```\n(gateway ready.*?)^```$/ms.exec(page.markdown)?.[1]?.trim().split('\n') ?? [];
      expect(printed).toHaveLength(2);
      for (const line of printed) expect(daemon.output()).toContain(withPorts(line));
    } else if (stub) {
      await start(`${block} --port ${ports[stub[1]]}`).until(/ready/);
    } else if (block.startsWith('bin/swob playground -')) {
      const playground = start(block);
      await playground.until(/Ctrl-C stops the playground/);
      await playground.stop();
    } else if (block.startsWith('bin/swob playground run')) {
      const output = await run(block);
      expect(output).toContain('MTN Cameroon');
      expect(output).toMatch(/\[.*\]\s*$/s);
    } else if (block.startsWith('bin/swob serve')) {
      await start(block).until(/disconnect ready at /);
    } else if (block.includes('| bin/swob disconnect')) {
      const output = await run(withPorts(block));
      expect(output).toContain('{"success":true}');
      expect(output).toContain('session=5692549928996307964&nas_ip=100.112.0.1&vrf=1');
    } else if (block === 'bin/swob sync qr alice') {
      const shown = start(block);
      const [url] = await shown.until(/http:\S+\/handshake/);
      await run(`echo secret | bin/swob sync pair alice --password - --url ${url}`);
      expect(await shown.exit).toBe(0);
    } else if (block.includes('sms send')) {
      expect(await run(block)).toMatch(/message published successfully \([0-9a-f]{32}\)/);
    } else if (block.includes('/__messages')) {
      expect(await run(withPorts(block))).toContain('"message":"g:bob@example.org:::Hello:I am well 📨"');
    } else if (block.includes('sms retry --all')) {
      expect(await run(block)).toMatch(/no message is dead-lettered\n0\n/);
    } else if (block.startsWith('bin/swob store export')) {
      // The README says to stop the daemon first.
      await daemon?.stop();
      expect(await run(block)).toMatch(
        /^exported 2 seeds, 1 user, 1 receipt, 1 reliability test from .* to backup\.jsonl$/m,
      );
    } else if (block.startsWith('bin/swob store import')) {
      // Without a Redis server, test/process/store-move.test.ts is skipped with the reason.
      if (!redis) continue;
      const output = await run(withPorts(block));
      expect(output).toMatch(
        /^imported 2 seeds, 1 user, 1 receipt, 1 reliability test into .*, read back and compared$/m,
      );
    } else if (block.startsWith('echo secret')) {
      expect(await run(block)).toMatch(/^[0-9a-f]{32}$/m);
    } else {
      expect((await run(withPorts(block))).trim()).not.toBe('');
    }
  }
  expect(seen.length).toBeGreaterThan(12);
});

test('the README explains every exit code', async () => {
  const markdown = await readFile('README.md', 'utf8');
  for (const { exit } of Object.values(errorCatalogue))
    expect(markdown).toMatch(new RegExp(`^\\| ${exit} \\| \\S`, 'm'));
});
