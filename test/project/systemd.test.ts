// Checks the systemd units with systemd's own tools and against the documentation.

import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { swobScript } from '../support/binary.ts';
import { temporaryFolder } from '../support/folders.ts';
import { needs } from '../support/needs.ts';

const units = readdirSync('confs/systemd');
const textOf = (unit: string): string => readFileSync(join('confs/systemd', unit), 'utf8');

/** Empty replacements for the units that ours refer to, so that the machine's own units cause no messages. */
const systemUnits = ['basic', 'multi-user', 'network-online', 'shutdown', 'sysinit'].map(
  (name) => `${name}.target`,
);

/** Runs `systemd-analyze verify` on our units, with `change` applied to swob.service. */
function verify(change: (text: string) => string = (text) => text): {
  status: number | null;
  stderr: string;
} {
  const folder = temporaryFolder();
  for (const unit of systemUnits) writeFileSync(join(folder, unit), '[Unit]\nDefaultDependencies=no\n');
  for (const unit of units) {
    // The program is not installed here, so the unit runs that of the checkout.
    const text = textOf(unit).replace('ExecStart=/usr/bin/swob', `ExecStart=${swobScript}`);
    writeFileSync(join(folder, unit), unit === 'swob.service' ? change(text) : text);
  }
  return spawnSync('systemd-analyze', ['verify', '--man=no', ...units.map((unit) => join(folder, unit))], {
    encoding: 'utf8',
    env: { ...process.env, SYSTEMD_UNIT_PATH: folder },
  });
}

test('systemd-analyze verify reports nothing', (context) => {
  needs(context, { command: 'systemd-analyze' });
  expect(verify()).toMatchObject({ status: 0, stderr: '' });
  const wrong = verify((text) => text.replace('Restart=on-failure', 'Restart=sometimes'));
  expect(wrong.stderr).toContain('sometimes');
});

test('systemd rates their exposure below 2 of 10', (context) => {
  needs(context, { command: 'systemd-analyze' });
  for (const unit of units) {
    const args = ['security', '--offline=true', '--threshold=20', '--no-pager', join('confs/systemd', unit)];
    const { status, stdout } = spawnSync('systemd-analyze', args, { encoding: 'utf8' });
    expect(status, stdout.split('\n').at(-2)).toBe(0);
  }
});

test('each service has a unit, and the units differ only in their command', () => {
  expect(units).toEqual([
    'swob-disconnect.service',
    'swob-gateway.service',
    'swob-sync.service',
    'swob.service',
  ]);
  const bodies = units.map((unit) => {
    const [, body = ''] = textOf(unit).split('[Service]');
    const [, services] =
      /^ExecStart=\/usr\/bin\/swob -c \/etc\/swob\/conf.ini serve(.*) \$SERVE_OPTIONS$/m.exec(body) ?? [];
    expect(services).toBe(unit === 'swob.service' ? '' : ` ${unit.replace(/^swob-|\.service$/g, '')}`);
    return body.replace(/^ExecStart=.*$/m, '');
  });
  expect(new Set(bodies).size).toBe(1);
  expect(bodies[0]).toContain('Type=notify');
  expect(bodies[0]).toContain('KillMode=mixed');
});
