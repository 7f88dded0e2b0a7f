// The README's commands, run as they are printed, in the order of the page, in a fresh copy of the checkout.
// Only the ports are exchanged for free ones.

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { cp, mkdir, readFile, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { catalogue } from '../../src/errors.ts';
import { temporaryFolder } from '../support/folders.ts';
import { freePort } from '../support/ports.ts';

const root = dirname(dirname(import.meta.dirname));

/** A copy of what git would give a newcomer, changes that are not committed included. */
async function freshCopy(): Promise<string> {
  const folder = temporaryFolder();
  const files = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '-z'], {
    cwd: root,
    encoding: 'utf8',
  });
  for (const file of files.split('\0').filter((name) => name !== '')) {
    await mkdir(dirname(join(folder, file)), { recursive: true });
    await cp(join(root, file), join(folder, file)).catch((error: NodeJS.ErrnoException) => {
      // Deleted, and not committed yet.
      if (error.code !== 'ENOENT') throw error;
    });
  }
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
  return folder;
}

/** The text of each ```sh block, in order. */
function shellBlocks(markdown: string): string[] {
  return [...markdown.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, block]) => block?.trim() ?? '');
}

interface Running {
  readonly child: ChildProcess;
  output(): string;
  /** Resolves when the output matches; rejects with the output when the process ends before. */
  until(pattern: RegExp): Promise<RegExpExecArray>;
  readonly exit: Promise<number | null>;
}

test('the commands of the README work as printed', async () => {
  const cwd = await freshCopy();
  const ports = {
    6969: await freePort(),
    6996: await freePort(),
    7070: await freePort(),
    9000: await freePort(),
    9096: await freePort(),
  };
  const withPorts = (text: string): string =>
    text.replace(/\b(6969|6996|7070|9000|9096)\b/g, (port) =>
      String(ports[port as unknown as keyof typeof ports]),
    );
  const env: NodeJS.ProcessEnv = {
    PATH: process.env.PATH,
    HOME: cwd,
    SWOB_API_PORT: String(ports[6969]),
    SWOB_WEBSOCKET_PORT: String(ports[6996]),
    SWOB_DISCONNECT_PORT: String(ports[9096]),
    SWOB_PCRF_PORT: String(ports[7070]),
    SWOB_USER_MANAGEMENT_API_API_URL: withPorts('http://127.0.0.1:9000'),
    SWOB_USER_MANAGEMENT_API_VERIFICATION_URL: withPorts('http://127.0.0.1:9000/v2/users/%s/verify'),
    SWOB_USER_MANAGEMENT_API_PLATFORMS_URL: withPorts('http://127.0.0.1:9000/v2/users/%s/platforms'),
  };

  const start = (command: string): Running => {
    // A group of its own, so that what the shell starts ends with it.
    const child = spawn('sh', ['-c', command], {
      cwd,
      env,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    const changed = new Set<() => void>();
    const exit = new Promise<number | null>((resolve) => child.once('close', resolve));
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk) => {
        output += String(chunk);
        for (const look of changed) look();
      });
    }
    onTestFinished(async () => {
      if (child.exitCode === null && child.signalCode === null && child.pid)
        process.kill(-child.pid, 'SIGTERM');
      await exit;
    });
    const until = (pattern: RegExp): Promise<RegExpExecArray> =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const match = pattern.exec(output);
          if (match) resolve(match);
        };
        changed.add(look);
        look();
        void exit.then((code) => reject(new Error(`"${command}" ended with ${code}:\n${output}`)));
      });
    return { child, output: () => output, until, exit };
  };
  const run = async (command: string): Promise<string> => {
    const running = start(command);
    expect(await running.exit, `${command}\n${running.output()}`).toBe(0);
    return running.output();
  };

  const markdown = await readFile(join(root, 'README.md'), 'utf8');
  const seen: string[] = [];
  for (const block of shellBlocks(markdown)) {
    // `npm test` is what runs this.
    if (block === 'npm test') continue;
    seen.push(block);
    if (block === 'npm start') {
      const daemon = start(block);
      await daemon.until(/sync ready at /);
      const printed = /^```\n(gateway ready.*?)^```$/ms.exec(markdown)?.[1]?.trim().split('\n') ?? [];
      expect(printed).toHaveLength(2);
      for (const line of printed) expect(daemon.output()).toContain(withPorts(line));
    } else if (block.startsWith('bin/swob stub')) {
      // A stub's port is its default, and may be taken here.
      const port = block.startsWith('bin/swob stub users') ? ports[9000] : ports[7070];
      await start(`${block} --port ${port}`).until(/ready/);
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
    } else if (block.startsWith('echo secret')) {
      expect(await run(block)).toMatch(/^[0-9a-f]{32}$/m);
    } else {
      expect((await run(withPorts(block))).trim()).not.toBe('');
    }
  }
  expect(seen.length).toBeGreaterThan(6);
}, 120_000);

test('the README explains every exit code', async () => {
  const markdown = await readFile(join(root, 'README.md'), 'utf8');
  for (const { exit } of Object.values(catalogue))
    expect(markdown).toMatch(new RegExp(`^\\| ${exit} \\| \\S`, 'm'));
});
