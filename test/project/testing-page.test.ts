// docs/testing.md: its files and commands work as printed, in a new project that has installed the packed package, without
// a registry and without a build.

import { execFileSync } from 'node:child_process';
import { copyFileSync, cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { runProcess } from '../support/binary.ts';
import { temporaryFolder } from '../support/folders.ts';
import { needs, python } from '../support/needs.ts';
import { sharedByFile } from '../support/teardown.ts';
import { packProject } from './package.ts';

const page = readFileSync('docs/testing.md', 'utf8');
const blocks = [...page.matchAll(/^```(\w+)\n(.*?)^```$/gms)].map(([, language = '', text = '']) => {
  const [, file] = /^(?:#!.*\n)?(?:#|\/\/) (\S+\.\w+)\n/.exec(text) ?? [];
  return { language, text, file };
});

const shared = sharedByFile(async () => {
  const folder = temporaryFolder();
  const { tarball } = await packProject();
  // The workflow finds it beside its checkout.
  copyFileSync(tarball, join(folder, basename(tarball)));
  const project = join(folder, 'project');
  const path = `${programs(join(folder, 'bin'))}:/usr/bin:/bin`;
  const env = { PATH: path, HOME: folder, npm_config_offline: 'true', NO_COLOR: '1' };
  mkdirSync(project);
  writeFileSync(join(project, 'package.json'), JSON.stringify({ name: 'project', type: 'module' }));
  execFileSync('npm', ['install', '--save-dev', `../${basename(tarball)}`], {
    cwd: project,
    env,
    stdio: 'pipe',
  });
  for (const { file, text } of blocks) {
    if (file === undefined) continue;
    mkdirSync(dirname(join(project, file)), { recursive: true });
    writeFileSync(join(project, file), text, { mode: 0o755 });
  }
  return { folder, project, env };
});

/** A folder with Node's programs and Debian's Python only. */
function programs(bin: string): string {
  mkdirSync(bin);
  for (const name of ['node', 'npm', 'npx'])
    symlinkSync(join(dirname(process.execPath), name), join(bin, name));
  symlinkSync(python, join(bin, 'python3'));
  return bin;
}

async function run(command: string, cwd = shared().project): Promise<string> {
  const { env } = shared();
  const { code, stdout, stderr } = await runProcess('sh', ['-ec', command], { cwd, env });
  expect(code, `${command}\n${stdout}\n${stderr}`).toBe(0);
  return stdout;
}

/** Without npm, which takes most of a second to find `swob`. The workflow and `npm exec` of the stub show that it does. */
const direct = (command: string): string =>
  `PATH="$PWD/node_modules/.bin:$PATH"; ${command.replace(/^npx /, '')}`;

/** The command of the page that contains `part`. */
function commandWith(part: string): string {
  const found = blocks.find(({ language, file, text }) => language === 'sh' && !file && text.includes(part));
  return found?.text ?? expect.fail(`docs/testing.md has no command with ${part}`);
}

test('the pipeline in shell has at most 15 lines, and fails when a system does', async () => {
  const { project, env } = shared();
  const command = commandWith('./pipeline.sh');
  expect(readFileSync(join(project, 'pipeline.sh'), 'utf8').trim().split('\n').length).toBeLessThanOrEqual(
    15,
  );
  const failing = command.replace('run', 'run --fail pcrf=refuse');
  const { code, stdout } = await runProcess('sh', ['-c', direct(failing)], { cwd: project, env });
  expect(stdout).toContain('1 of 1 received');
  expect(code).toBeGreaterThan(0);
});

test('a script for RADIUS', async () => {
  const output = await run(direct(commandWith('./radius.sh')));
  expect(output).toContain('with answer=Disconnect-NAK and error_cause=503: 1 of 1 received');
});

test('scripts that keep a playground in the background each find their own', async () => {
  const output = await run(
    direct('for n in 1 2; do mkdir $n; (cd $n; ../background.sh; echo ended $?)& done; wait'),
  );
  expect(output.match(/MTN Cameroon/g)).toHaveLength(2);
  expect(output.match(/ended 0/g)).toHaveLength(2);
});

test('a stub with a scenario', async () => {
  expect(await run(commandWith('./outage.sh'))).toContain('expected at least 1 request with message~=Hello');
});

test('the test in vitest', async () => {
  symlinkSync(resolve('node_modules/vitest'), join(shared().project, 'node_modules/vitest'));
  // vitest's own limits of some seconds are for a quiet machine.
  const limits = '--testTimeout=120000 --hookTimeout=120000';
  expect(await run(`node node_modules/vitest/vitest.mjs run pipeline.test.ts ${limits}`)).toMatch(
    /Tests +1 passed/,
  );
});

test('the test in node:test', async () => {
  expect(await run('node --test node-pipeline.test.mjs')).toMatch(/pass 1$/m);
});

test('the test in pytest', async (context) => {
  needs(context, { module: 'pytest' });
  expect(await run(direct(commandWith('pytest')))).toContain('2 passed');
});

test('the steps of the GitHub workflow, in a fresh checkout, which run the pipeline in shell', async (context) => {
  needs(context, { module: 'yaml' });
  const { folder, project } = shared();
  const file = join(project, '.github/workflows/pipeline.yml');
  const script = 'import json, sys, yaml; print(json.dumps(yaml.safe_load(open(sys.argv[1]))))';
  const workflow = JSON.parse(execFileSync(python, ['-c', script, file], { encoding: 'utf8' }));
  const { steps } = workflow.jobs.pipeline;
  const commands = steps.flatMap(({ run: command }: { run?: string }) => command ?? []);
  expect(commands).toHaveLength(2);
  const checkout = join(folder, 'workflow');
  mkdirSync(checkout);
  for (const name of ['package.json', 'package-lock.json', 'pipeline.sh'])
    cpSync(join(project, name), join(checkout, name));
  const [, command = ''] = commands;
  expect(commandWith('./pipeline.sh').trim()).toBe(command);
  await run(commands[0], checkout);
  const output = await run(command, checkout);
  expect(output).toContain('message published successfully');
  expect(output).toContain('{"success":true}');
});

test('the recipe for Testcontainers is valid JavaScript, and names an image and a command that exist', async () => {
  await run('node --check container.mjs');
  const recipe = readFileSync(join(shared().project, 'container.mjs'), 'utf8');
  const [, words = ''] = /withCommand\((\[.*\])\)/.exec(recipe) ?? [];
  const compose = readFileSync('confs/docker/compose.yml', 'utf8');
  expect(compose).toContain(`command: ${words.replaceAll("'", '"')}`);
  expect(readFileSync('confs/docker/README.md', 'utf8')).toContain('-t swob:0.1.0 ');
});

test('the types need no other package, and refuse a mode that does not exist', async () => {
  const { project, env } = shared();
  const options = { strict: true, module: 'nodenext', target: 'es2022', types: [], noEmit: true };
  const lines = [
    "import * as swob from 'swob/testing';",
    'await using pcrf = await swob.stubPcrf();',
    "pcrf.setMode('garbage', { count: 1 });",
    "pcrf.setMode('garbled');",
  ];
  writeFileSync(join(project, 'types.ts'), lines.join('\n'));
  const config = { compilerOptions: options, files: ['types.ts'] };
  writeFileSync(join(project, 'tsconfig.json'), JSON.stringify(config));
  const { stdout } = await runProcess(resolve('node_modules/.bin/tsc'), ['-p', '.'], { cwd: project, env });
  expect(stdout).toMatch(/^types\.ts\(4,.*"garbled".*\n$/);
});

test('the page names every function of the library', () => {
  const folder = join(shared().project, 'node_modules/swob/dist/testing');
  const types = ['index', 'stub-types', 'nas-stub-types', 'phone-stub-types'].map((name) =>
    readFileSync(join(folder, `${name}.d.ts`), 'utf8'),
  );
  const names = [...types.join('').matchAll(/^export declare function (\w+)/gm)].map(([, name]) => name);
  expect(names).toHaveLength(10);
  for (const name of names) expect(page).toMatch(new RegExp(`^\\| .*\`${name}\\b.*\\|$`, 'm'));
});
