import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build, type Metafile, type Plugin } from 'esbuild';
import { beforeAll, describe, expect, test } from 'vitest';
import { commands } from '../../src/cli/command-table.ts';
import { createCli } from './harness.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));

describe('help', () => {
  test.each(commands.map(({ path, summary }) => ({ path, summary })))(
    'of $path has its summary, the global options and an example',
    async ({ path, summary }) => {
      const cli = createCli();
      expect(await cli.swob(...path.split(' '), '--help')).toBe(0);
      expect(cli.out.text).toContain(summary);
      expect(cli.out.text).toContain('--set <section.key=value>');
      expect(cli.out.text).toMatch(/\nExample:\n {2}swob /);
      // No default value that means nothing to a reader.
      expect(cli.out.text.replaceAll(/\s+/g, ' ')).not.toMatch(/default: (false|\{|\[|undefined|null)/);
      expect(cli.err.text).toBe('');
    },
  );

  test('is printed on stdout by swob without arguments', async () => {
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

  test('is the same with swob help', async () => {
    for (const path of [['seeds', 'ping'], ['sync'], ['disconnect'], []]) {
      const [one, other] = [createCli(), createCli()];
      expect(await one.swob('-c', '/dev/null', ...path, '--help')).toBe(0);
      expect(await other.swob('help', ...path, '-c', '/dev/null')).toBe(0);
      expect(other.out.text).toBe(one.out.text);
    }
  });

  test.each([
    ['help sedes -c x', "unknown command 'sedes' (Did you mean seeds?); see swob --help"],
    ['help seeds lst -c x', "unknown command 'lst' (Did you mean list?); see swob help seeds"],
    [
      'help enviroment -c x',
      "unknown command 'enviroment' (Did you mean swob help environment?); see swob --help",
    ],
    ['-c x help sedes', "unknown command 'sedes' (Did you mean seeds?); see swob --help"],
    ['help -c x sedes', "unknown command 'sedes' (Did you mean seeds?); see swob --help"],
  ])('of an unknown command exits as the command itself does: swob %s', async (line, message) => {
    const cli = createCli();
    expect(await cli.swob(...line.split(' '))).toBe(64);
    expect(cli.err.text).toBe(`swob: ${message}\n`);
    expect(cli.out.text).toBe('');
  });

  test('of a group without a command goes to stderr and exits with 64', async () => {
    const cli = createCli();
    expect(await cli.swob('seeds')).toBe(64);
    expect(cli.err.text).toContain('Usage: swob seeds');
    expect(cli.out.text).toBe('');
  });
});

describe('swob help prints the topic', () => {
  test.each([
    ['exit-codes', '  78  The configuration, or a file that it names, is wrong.\n      CONFIG\n'],
    ['configuration', '\n[api]\n  host = 127.0.0.1\n      Address that the gateway listens on, or a name'],
    ['environment', /\n {2}SWOB_PASSWORD {2}password of the user(?:.|\n)* {2}SWOB_API_PORT +\[api\] port\n/],
  ])('%s', async (topic, expected) => {
    const [cli, json] = [createCli(), createCli()];
    expect(await cli.swob('help', topic, '-c', '/dev/null')).toBe(0);
    expect(cli.out.text).toMatch(expected);
    expect(await json.swob('help', '-c', '/dev/null', '--json', topic)).toBe(0);
    expect(json.values()).toEqual([{ topic, text: cli.out.text }]);
    const before = createCli();
    expect(await before.swob('-c', 'help', '--json', 'help', topic)).toBe(0);
    expect(before.values()).toEqual(json.values());
  });
});

test('--version is that of package.json', async () => {
  const { version }: { version: string } = JSON.parse(readFileSync(`${root}package.json`, 'utf8'));
  const cli = createCli();
  expect(await cli.swob('--version')).toBe(0);
  expect(cli.out.text).toBe(`${version}\n`);
});

describe('a wrong command line exits with 64 and says', () => {
  test.each([
    ['sedes', "unknown command 'sedes' (Did you mean seeds?); see swob --help"],
    // Not "store", which is closer by edit distance.
    ['start', "unknown command 'start' (Did you mean swob serve?); see swob --help"],
    ['stop', "unknown command 'stop' (Stop swob serve with Ctrl-C or SIGTERM); see swob --help"],
    ['version', "unknown command 'version' (Did you mean swob --version?); see swob --help"],
    ['-v', "unknown option '-v' (Did you mean --version?); see swob --help"],
    ['ping 1 2', "unknown command 'ping' (Did you mean swob seeds ping?); see swob --help"],
    ['seeds lst', "unknown command 'lst' (Did you mean list?); see swob help seeds"],
    ['seeds list --seders', "unknown option '--seders' (Did you mean --seeders?); see swob help seeds list"],
    ['seeds send', "unknown command 'send' (Did you mean swob sms send?); see swob help seeds"],
    ['config get', "unknown command 'get' (Did you mean swob config show?); see swob help config"],
    ['jwt keygen --out x', "unknown option '--out'; see swob help jwt keygen"],
    ['exit-codes', "unknown command 'exit-codes' (Did you mean swob help exit-codes?); see swob --help"],
    // Without the value, which may be a secret.
    [
      'seeds ping 1 2 --tokn=geheim',
      "unknown option '--tokn' (Did you mean --token?); see swob help seeds ping",
    ],
    ['seeds list -json', "unknown option '-json' (Did you mean --json?); see swob help seeds list"],
    ['config show api.prt', 'unknown key api.prt (did you mean api.port?); see swob help configuration'],
    ['config show stor', 'unknown key stor (did you mean store?); see swob help configuration'],
    // Not only the missing --key.
    [
      'jwt verify --ky x',
      "unknown option '--ky', and required option '--key <file>' not specified; see swob help jwt verify",
    ],
    [
      'verify publisher',
      "<url> 'publisher' is invalid. Expected the http URL of a stub; see swob help verify",
    ],
    // Without user and password.
    [
      'playground --broker amqp:/guest:geheim@localhost',
      "argument 'amqp:/…@localhost' is invalid. Expected a URL such as amqp://localhost:5672",
    ],
    ['verify amqp://guest:g:h@localhost', "<url> 'amqp://…@localhost' is invalid"],
    ['jwt verify', "required option '--key <file>' not specified; see swob help jwt verify"],
    ['seeds list --josn', "unknown option '--josn' (Did you mean --json?)"],
    ['--config', "option '-c, --config <file>' argument missing; see swob --help"],
    ['seeds get', "missing required argument 'IMSI'"],
    ['seeds get 1 2', 'too many arguments'],
    ['seeds ping 1 2 --type phone', 'Allowed choices are seed, seeder'],
    ['seeds list --url', "option '--url <url>' argument missing"],
  ])('%s: %s', async (line, message) => {
    const cli = createCli();
    expect(await cli.swob(...line.split(' '))).toBe(64);
    expect(cli.err.text).toMatch(/^swob: .*; see swob (--help|help \S.*)\n$/);
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

test('an unexpected error exits with 70 and says that it is a defect', async () => {
  const cli = createCli();
  cli.signals.once = () => {
    throw new TypeError('x is not a function');
  };
  expect(await cli.swob('seeds', 'list', '--url', 'http://127.0.0.1:9')).toBe(70);
  expect(cli.err.text).toBe('swob: internal error, please report it as a bug in swob: x is not a function\n');
});

describe('what is loaded', () => {
  /** Each command is an entry of its own, as it is imported when it runs. */
  async function bundle(plugins: Plugin[] = []): Promise<Metafile> {
    const { metafile } = await build({
      absWorkingDir: root,
      entryPoints: ['src/cli/main.ts'],
      outdir: 'unused',
      write: false,
      bundle: true,
      splitting: true,
      format: 'esm',
      platform: 'node',
      metafile: true,
      plugins,
    });
    return metafile;
  }
  /** The files that an entry loads before it runs: static imports only. */
  function filesOf({ outputs }: Metafile, source: string): string[] {
    const pending = Object.keys(outputs).filter((name) => outputs[name]?.entryPoint?.endsWith(source));
    const seen = new Set(pending);
    for (let chunk = pending.pop(); chunk; chunk = pending.pop()) {
      for (const { path, kind, external } of outputs[chunk]?.imports ?? []) {
        if (kind === 'dynamic-import' || external || seen.has(path)) continue;
        seen.add(path);
        pending.push(path);
      }
    }
    return [...seen];
  }
  let ungrouped: Metafile;
  beforeAll(async () => {
    ungrouped = await bundle();
  });
  const loadedBy = (source: string): string[] =>
    filesOf(ungrouped, source).flatMap((file) => Object.keys(ungrouped.outputs[file]?.inputs ?? {}));
  const packages = (inputs: readonly string[]): string[] => [
    ...new Set(
      inputs.map((path) => /^node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? '').filter(Boolean),
    ),
  ];

  test('for the version is nothing but the version', () => {
    const inputs = loadedBy('src/cli/main.ts');
    expect(inputs.toSorted()).toEqual(['package.json', 'src/cli/main.ts', 'src/cli/version.ts']);
  });

  test('before a command is chosen is what most commands need, and no other package', () => {
    const inputs = loadedBy('src/cli/run.ts');
    expect(packages(inputs).toSorted()).toEqual(['chalk', 'commander', 'ini']);
    expect(inputs.filter((path) => path.startsWith('src/cli/commands/'))).toEqual([]);
  });

  test('by a command is few files, each of which takes time', async () => {
    const { chunkGroups }: { chunkGroups(root: string): Plugin } = await import(
      `${root}scripts/chunk-groups.mjs`
    );
    const metafile = await bundle([chunkGroups(root)]);
    const run = filesOf(metafile, 'src/cli/run.ts');
    const command = filesOf(metafile, 'src/cli/commands/seeds/list.ts');
    expect(new Set([...run, ...command]).size).toBeLessThanOrEqual(6);
    // Without groups, twelve more.
    expect(filesOf(metafile, 'src/app/compose/start.ts').length).toBeLessThanOrEqual(80);
  });

  test('before they are used are none of the modules of Node that take long to load', async () => {
    const { leanPackages }: { leanPackages: Plugin[] } = await import(`${root}scripts/lean-packages.mjs`);
    const slowImports = ({ outputs }: Metafile): string[] =>
      Object.values(outputs)
        .flatMap(({ imports }) => imports.filter(({ kind }) => kind !== 'dynamic-import'))
        .map(({ path }) => path.replace('node:', ''))
        .filter((path) => ['http', 'http2', 'https', 'tls'].includes(path));
    expect(new Set(slowImports(ungrouped))).toEqual(new Set(['http', 'http2', 'https', 'tls']));
    expect(slowImports(await bundle(leanPackages))).toEqual([]);
  });

  test.each([
    ['seeds/list', []],
    ['seeds/get', []],
    ['sync/qr', ['qrcode-terminal']],
  ])('by %s at its definition besides is no more than %j', (name, most) => {
    const loaded = packages(loadedBy(`src/cli/commands/${name}.ts`));
    for (const heavy of ['node-fetch', 'fastify', 'node-forge', 'lowdb', 'pino', 'qrcode-terminal']) {
      if (!most.some((allowed) => allowed === heavy)) expect(loaded).not.toContain(heavy);
    }
  });
});
