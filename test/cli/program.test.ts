import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { describe, expect, test } from 'vitest';
import { commands } from '../../src/cli/program.ts';
import { createCli } from './harness.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));

describe('help', () => {
  test.each(commands.map(({ path, summary }) => ({ path, summary })))(
    'of $path has its summary, the global options and a working example',
    async ({ path, summary }) => {
      const cli = createCli();
      expect(await cli.swob(...path.split(' '), '--help')).toBe(0);
      expect(cli.out.text).toContain(summary);
      expect(cli.out.text).toContain('--set <section.key=value>');
      const examples =
        cli.out.text
          .split('\nExample:\n')[1]
          ?.replace(/\\\n\s*/g, '')
          .trim()
          .split('\n') ?? [];
      expect(examples.length).toBeGreaterThan(0);
      for (const example of examples) await expectParses(example.trim(), path);
      expect(cli.out.text).not.toContain('default: false');
      expect(cli.err.text).toBe('');
    },
  );

  /** Commander shows the help in place of an action, but tells unknown options and missing arguments apart. */
  async function expectParses(example: string, path: string): Promise<void> {
    const words = (example.split(/ [|>&]/)[0] ?? '').split(' ');
    expect(words.slice(0, 1 + path.split(' ').length).join(' ')).toBe(`swob ${path}`);
    const cli = createCli();
    await cli.swob(...words.slice(1), '--unknown-on-purpose');
    expect(cli.err.text).toContain("unknown option '--unknown-on-purpose'");
  }

  test('is what swob alone says, on stdout', async () => {
    const cli = createCli();
    expect(await cli.swob()).toBe(0);
    for (const { path } of commands) expect(cli.out.text).toContain(path.split(' ')[0]);
    expect(cli.err.text).toBe('');
  });

  test('of a group lists the summaries of its commands', async () => {
    const cli = createCli();
    expect(await cli.swob('seeds', '--help')).toBe(0);
    for (const { path, summary } of commands.filter((entry) => entry.path.startsWith('seeds '))) {
      expect(cli.out.text).toMatch(new RegExp(`${path.split(' ')[1]} .*${summary}`));
    }
  });

  test('is the same by swob help', async () => {
    for (const path of [['seeds', 'ping'], ['sync'], ['disconnect'], []]) {
      const [one, other] = [createCli(), createCli()];
      expect(await one.swob('-c', '/dev/null', ...path, '--help')).toBe(0);
      expect(await other.swob('help', ...path, '-c', '/dev/null')).toBe(0);
      expect(other.out.text).toBe(one.out.text);
    }
  });

  test.each([
    ['help sedes -c x', "unknown command 'sedes' (Did you mean seeds?)"],
    ['help seeds lst -c x', "unknown command 'lst' (Did you mean list?)"],
    ['help -c x sedes', "unknown command 'sedes' (Did you mean seeds?)"],
  ])('of a command that there is not ends as the command does: swob %s', async (line, message) => {
    const cli = createCli();
    expect(await cli.swob(...line.split(' '))).toBe(64);
    expect(cli.err.text).toBe(`swob: ${message}; see swob --help\n`);
    expect(cli.out.text).toBe('');
  });

  test('of a group without a command goes to stderr, with 64', async () => {
    const cli = createCli();
    expect(await cli.swob('seeds')).toBe(64);
    expect(cli.err.text).toContain('Usage: swob seeds');
    expect(cli.out.text).toBe('');
  });
});

test('--version is that of package.json', async () => {
  const { version }: { version: string } = JSON.parse(readFileSync(`${root}package.json`, 'utf8'));
  const cli = createCli();
  expect(await cli.swob('--version')).toBe(0);
  expect(cli.out.text).toBe(`${version}\n`);
});

describe('a wrong command line ends with 64 and says', () => {
  test.each([
    ['sedes', "unknown command 'sedes' (Did you mean seeds?)"],
    ['seeds lst', "unknown command 'lst' (Did you mean list?)"],
    ['seeds list --seders', "unknown option '--seders' (Did you mean --seeders?)"],
    ['seeds list --josn', "unknown option '--josn' (Did you mean --json?)"],
    ['seeds get', "missing required argument 'IMSI'"],
    ['seeds get 1 2', 'too many arguments'],
    ['seeds ping 1 2 --type phone', 'Allowed choices are seed, seeder'],
    ['seeds list --url', "option '--url <url>' argument missing"],
  ])('%s: %s', async (line, message) => {
    const cli = createCli();
    expect(await cli.swob(...line.split(' '))).toBe(64);
    expect(cli.err.text).toMatch(/^swob: .*; see swob --help\n$/);
    expect(cli.err.text).toContain(message);
    const json = createCli();
    expect(await json.swob('--json', ...line.split(' '))).toBe(64);
    expect(JSON.parse(json.err.text)).toMatchObject({ error: { code: 'USAGE' } });
  });
});

test('global options work before, between and after the words of a command', async () => {
  const set = ['--set', 'api.port=abc', '--json'];
  for (const line of [
    [...set, 'config', 'check'],
    ['config', ...set, 'check'],
    ['config', 'check', ...set],
  ]) {
    const cli = createCli();
    expect(await cli.swob(...line)).toBe(78);
    expect(JSON.parse(cli.err.text)).toMatchObject({ error: { code: 'CONFIG' } });
  }
});

test('an unforeseen error ends with 70 and says that it is a defect', async () => {
  const cli = createCli();
  cli.signals.once = () => {
    throw new TypeError('x is not a function');
  };
  expect(await cli.swob('seeds', 'list', '--url', 'http://127.0.0.1:9')).toBe(70);
  expect(cli.err.text).toBe('swob: this is a defect in swob: x is not a function\n');
});

describe('what is loaded', () => {
  /** The modules that an entry needs before it can run: static imports only, across chunks. */
  async function loadedBy(source: string): Promise<string[]> {
    const { metafile } = await build({
      absWorkingDir: root,
      entryPoints: [source],
      outdir: 'unused',
      write: false,
      bundle: true,
      splitting: true,
      format: 'esm',
      platform: 'node',
      metafile: true,
    });
    const pending = Object.keys(metafile.outputs).filter(
      (name) => metafile.outputs[name]?.entryPoint === source,
    );
    const seen = new Set(pending);
    const inputs: string[] = [];
    for (let chunk = pending.pop(); chunk; chunk = pending.pop()) {
      const output = metafile.outputs[chunk];
      inputs.push(...Object.keys(output?.inputs ?? {}));
      for (const { path, kind, external } of output?.imports ?? []) {
        if (kind === 'dynamic-import' || external || seen.has(path)) continue;
        seen.add(path);
        pending.push(path);
      }
    }
    return inputs;
  }
  const packages = (inputs: readonly string[]): string[] => [
    ...new Set(
      inputs.map((path) => /^node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? '').filter(Boolean),
    ),
  ];

  test('before a command is chosen is commander and nothing else from outside', async () => {
    const inputs = await loadedBy('src/cli/main.ts');
    expect(packages(inputs)).toEqual(['commander']);
    expect(inputs.filter((path) => path.startsWith('src/cli/commands/'))).toEqual([]);
  });

  test.each([
    ['seeds-list', []],
    ['seeds-get', []],
    ['sync-qr', ['qrcode-terminal']],
  ])('by %s at its definition besides is no more than %j', async (name, most) => {
    const loaded = packages(await loadedBy(`src/cli/commands/${name}.ts`));
    for (const heavy of ['node-fetch', 'fastify', 'node-forge', 'lowdb', 'pino', 'qrcode-terminal']) {
      if (!most.some((allowed) => allowed === heavy)) expect(loaded).not.toContain(heavy);
    }
  });
});
