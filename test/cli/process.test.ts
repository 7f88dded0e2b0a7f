// The command line as a process: exit codes, signals, closed and full outputs, colours.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { temporaryFolder } from '../support/folders.ts';
import { sharedFolder, startGateway } from './harness.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const folder = sharedFolder();
const script = join(folder, 'bin', 'swob');

beforeAll(async () => {
  const { buildMain }: { buildMain(root: string, outdir: string): Promise<void> } = await import(
    `${root}scripts/build.mjs`
  );
  await buildMain(root, join(folder, 'dist'));
  await build({
    absWorkingDir: root,
    entryPoints: ['src/cli/run.ts'],
    outdir: join(folder, 'dist', 'cli'),
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    packages: 'external',
    logLevel: 'error',
  });
  cpSync(join(root, 'bin'), join(folder, 'bin'), { recursive: true });
  copyFileSync(join(root, 'package.json'), join(folder, 'package.json'));
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
});

interface Options {
  readonly env?: Record<string, string>;
  readonly stdout?: 'pipe' | number;
  readonly script?: string;
  readonly cwd?: string;
}

/** bin/swob itself, as a shell runs it. */
function start(argv: string[], options: Options = {}): ChildProcess {
  const { env = {}, stdout = 'pipe', cwd = folder } = options;
  const child = spawn(options.script ?? script, argv, {
    cwd,
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', stdout, 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}

async function ended(child: ChildProcess) {
  const [out, err, [code]] = await Promise.all([
    child.stdout ? text(child.stdout) : '',
    child.stderr ? text(child.stderr) : '',
    once(child, 'exit'),
  ]);
  return { out, err, code };
}

const seeds = JSON.stringify([{ IMSI: '111', MSISDN: '+237', seed_type: 'seed', LPS: 1 }]);

describe('bin/swob', () => {
  test('runs, and exits with the code of the failure', async () => {
    expect(await ended(start(['config', 'check']))).toMatchObject({ code: 0, err: '' });
    expect(await ended(start(['config', 'check', '--set', 'api.port=x']))).toMatchObject({
      code: 78,
      out: '',
    });
    expect(await ended(start(['nonsense']))).toMatchObject({ code: 64, out: '' });
  });

  test('says why its default configuration file cannot be reached, and does not run without it', async () => {
    const cwd = temporaryFolder();
    // Root may enter every folder, but nobody an endless chain of links.
    symlinkSync('confs', join(cwd, 'confs'));
    const { code, err } = await ended(start(['config', 'check'], { cwd }));
    expect(code).toBe(78);
    expect(err).toContain('cannot read the configuration file confs/conf.ini: ELOOP');
  });

  test('says what to do in a clone that was never built', async () => {
    const clone = temporaryFolder();
    cpSync(join(folder, 'bin'), join(clone, 'bin'), { recursive: true });
    copyFileSync(join(root, 'package.json'), join(clone, 'package.json'));
    mkdirSync(join(clone, 'scripts'));
    writeFileSync(join(clone, 'scripts', 'setup.mjs'), '');
    const failure = { code: 70, out: '', err: 'swob: not built yet; run: npm run setup\n' };
    expect(await ended(start(['--version'], { script: join(clone, 'bin', 'swob') }))).toEqual(failure);
    // A build without the packages fails as well.
    cpSync(join(folder, 'dist'), join(clone, 'dist'), { recursive: true });
    expect(await ended(start(['config', 'check'], { script: join(clone, 'bin', 'swob') }))).toEqual(failure);
  });

  test('says what to do in an installed package that lacks a file', async () => {
    const other = temporaryFolder();
    cpSync(join(folder, 'bin'), join(other, 'bin'), { recursive: true });
    expect(await ended(start(['--version'], { script: join(other, 'bin', 'swob') }))).toEqual({
      code: 70,
      out: '',
      err: 'swob: a file of the program is missing; install it again\n',
    });
  });

  test('reports a damaged build as a defect, not as a negative result', async () => {
    const other = temporaryFolder();
    const script = join(other, 'bin', 'swob');
    const damaged = join(other, 'dist', 'cli', 'main.cjs');
    cpSync(join(folder, 'bin'), join(other, 'bin'), { recursive: true });
    mkdirSync(join(other, 'dist', 'cli'), { recursive: true });
    for (const [content, reason] of [
      ['(', 'SyntaxError: Unexpected end of input'],
      ['', 'TypeError: require(...).main is not a function'],
    ] as const) {
      writeFileSync(damaged, content);
      const err = `swob: the program cannot be loaded (${reason}); build or install it again\n`;
      expect(await ended(start(['--version'], { script }))).toEqual({ code: 70, out: '', err });
    }
  });

  test('fails when nothing is left to wait for and the command has not ended', async () => {
    const other = temporaryFolder();
    cpSync(join(folder, 'bin'), join(other, 'bin'), { recursive: true });
    mkdirSync(join(other, 'dist', 'cli'), { recursive: true });
    copyFileSync(join(folder, 'dist', 'cli', 'main.cjs'), join(other, 'dist', 'cli', 'main.cjs'));
    writeFileSync(
      join(other, 'dist', 'cli', 'run.js'),
      'exports.runProcess = () => new Promise(() => undefined);',
    );
    expect(await ended(start(['config', 'check'], { script: join(other, 'bin', 'swob') }))).toMatchObject({
      code: 70,
      err: expect.stringContaining('the command stopped without a result'),
    });
  });

  test.each([['--version'], ['-V']])(
    'prints its version with %s, as with further options',
    async (option) => {
      const { version }: { version: string } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
      const printed = { out: `${version}\n`, err: '', code: 0 };
      expect(await ended(start([option]))).toEqual(printed);
      expect(await ended(start(['--quiet', option]))).toEqual(printed);
    },
  );

  describe('serve --ready-file', () => {
    const free = ['gateway', '--set', 'api.port=0', '--set', 'store.url=memory:'];

    test('replaces the file of an earlier run, and removes its own when it stops', async () => {
      const data = temporaryFolder();
      const file = join(data, 'ready.json');
      writeFileSync(file, '{"gateway":{"url":"http://127.0.0.1:1"}}');
      const keys = ['public', 'private'].flatMap((key) => [
        '--set',
        `security.${key}_key_filepath=${join(data, `${key}.pem`)}`,
      ]);
      const child = start(['serve', ...free, ...keys, '--ready-file', file]);
      const [line] = child.stdout ? await once(child.stdout, 'data') : [];
      const { gateway }: { gateway: { url: string } } = JSON.parse(readFileSync(file, 'utf8'));
      expect(String(line)).toBe(`gateway ready at ${gateway.url}\n`);
      child.kill('SIGTERM');
      await once(child, 'exit');
      expect(existsSync(file)).toBe(false);
    });

    test('removes the file of an earlier run before it reads its configuration', async () => {
      const file = join(temporaryFolder(), 'ready.json');
      writeFileSync(file, '{}');
      const child = start(['serve', '--set', 'api.port=x', '--ready-file', file]);
      expect(await ended(child)).toMatchObject({ code: 78 });
      expect(existsSync(file)).toBe(false);
    });

    test('exits with 78 immediately when the file cannot be written', async () => {
      const file = join(temporaryFolder(), 'nowhere', 'ready.json');
      const { code, err, out } = await ended(start(['serve', ...free, '--ready-file', file]));
      expect({ code, out }).toEqual({ code: 78, out: '' });
      expect(err).toMatch(`swob: cannot write ${file}: `);
    });
  });

  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const)('ends on %s with %i, saying nothing', async (signal, code) => {
    const child = start([
      'seeds',
      'ping',
      '1',
      '2',
      '--every',
      '1d',
      '--url',
      (await startGateway(() => ({ body: '1' }))).url,
    ]);
    const end = ended(child);
    if (child.stdout) await once(child.stdout, 'data');
    child.kill(signal);
    expect(await end).toMatchObject({ code, err: '' });
  });

  test('leaves its output to nobody when it is killed, although its parent does not reap it', async () => {
    const { url } = await startGateway(() => ({ body: '1' }));
    // As Python's subprocess, which reads to the end of the output before it waits for the process.
    const line =
      '{ "$0" seeds ping 1 2 --every 100ms --url "$1" & echo $! >&2; exec sleep 3600 > /dev/null; } | { cat; echo end; }';
    const env = { PATH: process.env.PATH };
    const shell = spawn('sh', ['-c', line, script, url], { cwd: folder, env, detached: true });
    onTestFinished(() => void process.kill(-(shell.pid ?? 0), 'SIGKILL'));
    let out = '';
    shell.stdout.setEncoding('utf8').on('data', (part) => (out += part));
    const pid = Number(String((await once(shell.stderr, 'data'))[0]));
    await vi.waitFor(() => {
      const watcher = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
      expect(readFileSync(`/proc/${watcher}/comm`, 'utf8')).toBe('tail\n');
    }, 10_000);
    process.kill(pid, 'SIGKILL');
    await vi.waitFor(() => expect(out).toMatch(/1\nend\n$/), 5_000);
  });

  test('ends without an error when the reader of its output exits', async () => {
    const { url } = await startGateway(() => ({ body: '1' }));
    const child = start(['seeds', 'ping', '1', '2', '--every', '100ms', '--url', url]);
    if (child.stdout) await once(child.stdout, 'data');
    child.stdout?.destroy();
    const [[code], err] = await Promise.all([once(child, 'exit'), child.stderr ? text(child.stderr) : '']);
    expect({ code, err }).toEqual({ code: 0, err: '' });
  });

  test.runIf(existsSync('/dev/full')).each([[['config', 'show']], [['--version']]])(
    '%j reports that its output cannot be written, and does not exit with 0',
    async (argv) => {
      const { code, err } = await ended(start(argv, { stdout: openSync('/dev/full', 'w') }));
      expect(code).toBe(75);
      expect(err).toMatch(/^swob: cannot write the output: .*ENOSPC/);
    },
  );

  test('prints colours only where chalk would and without --no-color', async () => {
    const { url } = await startGateway(() => ({ body: seeds }));
    const list = ['seeds', 'list', '--url', url];
    const coloured = { env: { FORCE_COLOR: '1' } };
    expect((await ended(start(list))).out).not.toContain('\u001b');
    expect((await ended(start(list, coloured))).out).toContain('\u001b[1mIMSI');
    expect((await ended(start([...list, '--no-color'], coloured))).out).not.toContain('\u001b');
  });
});
