// `swob playground` as scripts use it: the real binary, with its services and stubs in one process.

import { readdir, readFile, writeFile } from 'node:fs/promises';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { runProcess, runSwob, startProcess, swobScript } from '../support/binary.ts';
import { temporaryFolder } from '../support/folders.ts';
import { needs } from '../support/needs.ts';
import { onTerminal } from '../support/terminal.ts';

/** Lets scripts call the command by its name, and puts all temporary files into `folder`. */
const scriptEnvironment = (folder: string) => ({
  PATH: `${dirname(swobScript)}:${dirname(process.execPath)}:/usr/bin:/bin`,
  TMPDIR: folder,
});

test('runs a script from pairing to disconnect, returns its exit code and leaves nothing', async () => {
  const folder = temporaryFolder();
  const script = `
    set -e
    swob wait
    swob sync pair alice --out alice.key
    swob sms send "$PLAYGROUND_USER" 'g:bob@example.org:::Hello:I am well' --msisdn "$PLAYGROUND_MSISDN" --key alice.key
    curl -sf "$PLAYGROUND_PUBLISHER_URL/__messages"
    echo "$PLAYGROUND_JWT" | swob disconnect --token -
    curl -sf "$PLAYGROUND_PCRF_URL/__requests"
    swob playground env | grep -F "PLAYGROUND_GATEWAY_URL='$PLAYGROUND_GATEWAY_URL'"
    curl -sf -H "Authorization: Bearer $PLAYGROUND_ADMIN_TOKEN" "$PLAYGROUND_GATEWAY_URL/sms/failed"
    exit 7`;
  const result = await runProcess(swobScript, ['playground', 'run', '--', 'sh', '-c', script], {
    cwd: folder,
    env: scriptEnvironment(folder),
  });
  expect(result).toMatchObject({ code: 7, stderr: expect.not.stringMatching(/error/i) });
  expect(result.stdout).toContain('message published successfully');
  expect(result.stdout).toContain('"message":"g:bob@example.org:::Hello:I am well"');
  expect(result.stdout).toContain('{"success":true}');
  expect(result.stdout).toContain('session=5692549928996307964');
  expect(await readdir(folder)).toEqual(['alice.key']);
});

test('sample data: active seeds and a paired phone; both backends get the token, and stubs fail as requested', async () => {
  const folder = temporaryFolder();
  const script = `
    swob seeds list --json
    console="$PLAYGROUND_GATEWAY_URL/console/api/log"
    curl -sS "$console/level" -H "authorization: Bearer $PLAYGROUND_ADMIN_TOKEN" -H 'content-type: application/json' \\
      -d '{"level": "debug", "minutes": 1}'
    swob sms send alice hello --msisdn "$PLAYGROUND_MSISDN" --key "$PLAYGROUND_SHARED_KEY"
    echo "$PLAYGROUND_JWT" | swob disconnect --token - || true
    swob verify "$PLAYGROUND_NAS_URL" --received session=5692549928996307964 --received answer=Disconnect-NAK --times 1
    curl -sS "$console" -H "authorization: Bearer $PLAYGROUND_ADMIN_TOKEN" && echo
    for n in 1 2; do
      swob radius disconnect --nas "$PLAYGROUND_NAS_RADIUS" --secret-file "$PLAYGROUND_NAS_SECRET_FILE" --session 1 --mac FC-45-96-5F-50-AC
    done`;
  const fail = ['--fail', 'publisher=refuse,pcrf=refuse,nas=1/2'];
  const args = ['playground', 'run', '--seed-data', '--disconnect', 'both', ...fail];
  const { stdout, stderr } = await runProcess(swobScript, [...args, '--', 'sh', '-c', script], {
    cwd: folder,
    env: scriptEnvironment(folder),
  });
  expect(stdout).toContain('"operator_name":"MTN Cameroon"');
  expect(stdout).toContain('message accepted');
  expect(stdout).toMatch(/"message":"console action"/);
  expect(stderr).toMatch(
    /the PCRF stub was told to refuse; NAS playground at \S+ refused \(501, administratively prohibited/,
  );
  expect(stdout).toContain('NAK: 1 of 1 received');
  expect(stdout).toMatch(/^disconnected$/m);
  expect(stderr).toMatch(/not disconnected: the NAS at 127\.0\.0\.1:\d+ refused \(501/);
});

test('other terminals find the running playground; a signal removes everything', async () => {
  const folder = temporaryFolder();
  const env = scriptEnvironment(folder);
  const playground = startProcess(swobScript, ['playground', '--set', 'seeds.expiry=7s'], {
    cwd: folder,
    env,
  });
  await playground.waitForOutput('stdout', 'Ctrl-C stops the playground');
  const script =
    'eval "$(swob playground env)" && swob status && swob config show seeds.expiry; ls "$PLAYGROUND_FOLDER"';
  const { stdout } = await runProcess('sh', ['-c', script], { cwd: folder, env });
  expect(stdout).toMatch(/gateway .*ready[\s\S]*disconnect .*ready/);
  // Commands load what the services run with.
  expect(stdout).toContain('expiry = 7s');
  expect(stdout).toContain('conf.ini');
  playground.kill('SIGTERM');
  expect(await playground.exit).toEqual({ code: 143, signal: null });
  expect(await readdir(folder)).toEqual([]);
  const later = await runSwob(['playground', 'env'], { cwd: folder, env });
  expect(later).toMatchObject({ code: 69, stderr: expect.stringContaining('no playground is running') });
});

test('a playground whose terminal is closed removes everything', async (context) => {
  needs(context, { module: 'pty' });
  const folder = temporaryFolder();
  const options = { cwd: folder, env: scriptEnvironment(folder) };
  const args = ['playground', '--ready-file', 'ready.json'];
  const { code } = await onTerminal(args, [['Ctrl-C stops the playground', null]], options);
  expect(code).toBe(-constants.signals.SIGHUP);
  expect(await readdir(folder)).toEqual([]);
});

test('a command that does not exist or is not executable, and one that a signal ends', async () => {
  const folder = temporaryFolder();
  const env = scriptEnvironment(folder);
  const run = (...command: string[]) =>
    runSwob(['playground', 'run', '--', ...command], { cwd: folder, env });
  expect(await run('no-such-command')).toMatchObject({
    code: 64,
    stderr: expect.stringContaining('cannot run no-such-command: there is no such command'),
  });
  await writeFile(join(folder, 'script.sh'), '#!/bin/sh\n', { mode: 0o600 });
  expect(await run('./script.sh')).toMatchObject({
    code: 64,
    stderr: expect.stringContaining('cannot run ./script.sh: it is not executable; run chmod +x on it'),
  });
  expect(await run('sh', '-c', 'kill -9 $$')).toMatchObject({ code: 137 });
});

test('takes fixed ports in the order of its parts; one that is in use ends it, with its address', async (context) => {
  needs(context, { loopbackNetwork: true });
  const folder = temporaryFolder();
  const env = scriptEnvironment(folder);
  const args = ['playground', 'run', '--host', '127.9.8.7', '--port', '7000', '--', 'sh', '-c'];
  const script = `env | grep _URL=; swob sync pair alice >&2; ${swobScript} ${args.slice(0, -2).join(' ')} true`;
  const { code, stdout, stderr } = await runProcess(swobScript, [...args, script], { cwd: folder, env });
  const parts = ['gateway', 'sync', 'disconnect', 'users', 'developer', 'publisher', 'pcrf', 'nas'];
  for (const [index, part] of parts.entries())
    expect(stdout).toMatch(
      new RegExp(`^PLAYGROUND_${part.toUpperCase()}_URL=\\w+://127.9.8.7:${7_000 + index}$`, 'm'),
    );
  expect(stderr).toMatch(/^[0-9a-f]{32}$/m);
  expect(stderr).toContain('cannot listen on 127.9.8.7:7003');
  expect(code).toBe(75);
  expect(await readdir(folder)).toEqual([]);
  const outOfRange = await runSwob(['playground', '--port', '65528'], { cwd: folder, env });
  expect(outOfRange).toMatchObject({ code: 64, stderr: expect.stringContaining('up to 65527') });
});

test('a ready file names every part, with an address of this machine where it listens on all', async () => {
  const folder = temporaryFolder();
  const file = join(folder, 'ready.json');
  const playground = startProcess(
    swobScript,
    ['playground', '--host', '0.0.0.0', '--json', '--ready-file', file],
    {
      cwd: folder,
      env: scriptEnvironment(folder),
    },
  );
  await playground.waitForOutput('stdout', '\n');
  const ready = JSON.parse(await readFile(file, 'utf8'));
  expect(JSON.parse(playground.stdout())).toEqual(ready);
  for (const part of ['gateway', 'disconnect', 'users', 'developer', 'publisher', 'pcrf', 'nas'])
    expect(ready[part].url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  expect(ready.sync.url).toMatch(/^ws:/);
  expect(ready.nas.radius).toMatch(/^127\.0\.0\.1:\d+$/);
  // As when its terminal is closed.
  playground.kill('SIGHUP');
  expect(await playground.exit).toEqual({ code: 129, signal: null });
  expect(await readdir(folder)).toEqual([]);
});
