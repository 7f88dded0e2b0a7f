// The manual pages: each command has one, `man` can show them, and they contain what the help says.

import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { manualPages } from '../../scripts/docs/manual.ts';
import { bold, roff } from '../../scripts/docs/roff.ts';
import { commands } from '../../src/cli/command-table.ts';
import { needs } from '../support/needs.ts';

const folder = 'docs/man';
const files = readdirSync(folder);

test('every command is in a page, and no page is left of a removed command', async () => {
  expect(files.map((name) => `${folder}/${name}`).sort()).toEqual(Object.keys(await manualPages()).sort());
  for (const { path } of commands) {
    const [word] = path.split(' ');
    expect(readFileSync(`${folder}/swob-${word}.1`, 'utf8')).toContain(`\\fBswob ${path}\\fP `);
  }
});

test('text cannot be taken for a request or an escape of roff', () => {
  expect(roff(".PP\n'a\n--b \\c")).toBe("\\&.PP\n\\&'a\n\\-\\-b \\ec");
  expect(roff('see `swob help`')).toBe('see \\fBswob help\\fP');
  expect(bold('-x `y`')).toBe('\\fB\\-x y\\fP');
});

test('man shows every page without a warning of roff', (context) => {
  needs(context, { command: 'mandoc' });
  for (const name of files) {
    const { stdout } = spawnSync('mandoc', ['-T', 'lint', '-W', 'error', `${folder}/${name}`], {
      encoding: 'utf8',
    });
    expect(stdout, name).toBe('');
  }
  const shown = spawnSync('mandoc', ['-T', 'utf8', `${folder}/swob-seeds.1`], { encoding: 'utf8' }).stdout;
  const text = shown.replace(/.[\b]/g, '');
  expect(text).toMatch(/swob-seeds - list and test gateway clients/);
  expect(text).toMatch(/--watch\n +Repeat every 2 seconds until Ctrl-C\./);
  expect(text).toMatch(/ swob seeds list --json \| jq -r '\.\[\]\.MSISDN'\n/);
});
