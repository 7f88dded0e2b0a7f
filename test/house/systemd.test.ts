// The systemd units, held to systemd's own checks and to what the documentation promises.

import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runProcess, swobScript } from '../support/binary.ts';
import { temporaryFolder } from '../support/folders.ts';
import { needs } from '../support/needs.ts';

const units = readdirSync('confs/systemd');
const textOf = (unit: string): string => readFileSync(join('confs/systemd', unit), 'utf8');

test('systemd-analyze verify finds nothing', (context) => {
  needs(context, { command: 'systemd-analyze' });
  const folder = temporaryFolder();
  // The program is not installed here: the one of the checkout stands for it.
  for (const unit of units)
    writeFileSync(
      join(folder, unit),
      textOf(unit).replace('ExecStart=/usr/bin/swob', `ExecStart=${swobScript}`),
    );
  const files = units.map((unit) => join(folder, unit));
  const { status, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', ...files], {
    encoding: 'utf8',
  });
  expect([status, stderr]).toEqual([0, '']);

  const wrong = join(folder, 'swob.service');
  writeFileSync(wrong, textOf('swob.service').replace('Restart=on-failure', 'Restart=sometimes'));
  const refused = spawnSync('systemd-analyze', ['verify', '--man=no', wrong], { encoding: 'utf8' });
  expect(refused.stderr).toContain('sometimes');
});

test('systemd rates their exposure below 2 of 10', (context) => {
  needs(context, { command: 'systemd-analyze' });
  for (const unit of units) {
    const args = ['security', '--offline=true', '--threshold=20', '--no-pager', join('confs/systemd', unit)];
    const { status, stdout } = spawnSync('systemd-analyze', args, { encoding: 'utf8' });
    expect(status, stdout.split('\n').at(-2)).toBe(0);
  }
});

test('each service has its unit, and they differ in nothing else but what they run', () => {
  expect(units).toEqual([
    'swob-disconnect.service',
    'swob-gateway.service',
    'swob-sync.service',
    'swob.service',
  ]);
  const bodies = units.map((unit) => {
    const [, body = ''] = textOf(unit).split('[Service]');
    const [, services] = /^ExecStart=\/usr\/bin\/swob -c \/etc\/swob\/conf.ini serve(.*)$/m.exec(body) ?? [];
    expect(services).toBe(unit === 'swob.service' ? '' : ` ${unit.replace(/^swob-|\.service$/g, '')}`);
    return body.replace(/^ExecStart=.*$/m, '');
  });
  expect(new Set(bodies).size).toBe(1);
  expect(bodies[0]).toContain('Type=notify');
  expect(bodies[0]).toContain('KillMode=mixed');
});

test('out of memory under the options of /etc/default/swob: a heap snapshot and a report are left', async () => {
  const folder = temporaryFolder();
  const [, options = ''] = /^NODE_OPTIONS=(.*)$/m.exec(readFileSync('confs/install/default', 'utf8')) ?? [];
  expect(options).toContain('--diagnostic-dir=/var/log/swob');
  const small = options
    .replace('/var/log/swob', folder)
    .replace('--max-old-space-size=128', '--max-old-space-size=24');
  const script =
    'const kept = []; setInterval(() => kept.push([..."x".repeat(9_999)].map((x, i) => x + i)), 1)';
  const { code, signal } = await runProcess(process.execPath, ['-e', script], {
    cwd: folder,
    env: { NODE_OPTIONS: small },
  });
  expect({ code, signal }).toEqual({ code: null, signal: 'SIGABRT' });
  expect(readdirSync(folder).sort()).toEqual([
    expect.stringMatching(/^Heap\..*\.heapsnapshot$/),
    expect.stringMatching(/^report\..*\.json$/),
  ]);
});
