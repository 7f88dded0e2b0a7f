// The scripts of `swob completion` in the shells themselves, on a terminal.

import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { type ProcessOptions, runProcess, swobScript } from '../support/binary.ts';
import { temporaryFolder } from '../support/folders.ts';
import { needs } from '../support/needs.ts';
import { programOnTerminal } from '../support/terminal.ts';

/** A folder with `swob` on the PATH, and files to complete. */
function shellOptions(): ProcessOptions {
  const folder = temporaryFolder();
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  symlinkSync(swobScript, join(bin, 'swob'));
  mkdirSync(join(folder, 'keys'));
  writeFileSync(join(folder, 'keys', 'shared.txt'), '');
  const path = [bin, dirname(process.execPath), process.env.PATH].join(':');
  return { cwd: folder, env: { PATH: path, TERM: 'dumb', HOME: folder } };
}

/** What the user types before Tab, and the line that appears. */
const typed: readonly (readonly [line: string, completed: string])[] = [
  ['swob statu', 'swob status'],
  ['swob seeds li', 'swob seeds list'],
  ['swob stub publisher --mode=sl', 'swob stub publisher --mode=slow'],
  ['swob stub publisher --mode sl', 'swob stub publisher --mode slow'],
  ['swob --set api.hos', 'swob --set api.host='],
  ['swob --set api.state=prod', 'swob --set api.state=production'],
  ['swob -c conf.ini sms retry --wa', 'swob -c conf.ini sms retry --waiting'],
  ['swob store import keys/sh', 'swob store import keys/shared.txt'],
  ['swob sync pair alice --password @keys/sh', 'swob sync pair alice --password @keys/shared.txt'],
  ['swob --config=keys/sh', 'swob --config=keys/shared.txt'],
];

const prompt = 'ready> ';

/** Types each line, Tab, and Ctrl-U once the completed line is shown. */
async function completeOn(shell: string, args: readonly string[], start: string): Promise<string> {
  const steps: [string, string][] = [['', `${start}\n`]];
  for (const [index, [line, completed]] of typed.entries()) {
    const marker = index === 0 ? prompt : `done-${index}`;
    steps.push([marker, `${line}\t`], [completed, `\u0015echo done''-${index + 1}\n`]);
  }
  steps.push([`done-${typed.length}`, 'exit\n']);
  const { shown } = await programOnTerminal(shell, args, steps, shellOptions());
  return shown;
}

test('bash', async (context) => {
  needs(context, { command: 'bash' }, { command: 'python3' });
  const shown = await completeOn(
    'bash',
    ['--norc', '--noprofile', '-i'],
    `bind 'set enable-bracketed-paste off'; eval "$(swob completion bash)"; PS1='re''ady> '`,
  );
  for (const [, completed] of typed) expect(shown).toContain(completed);
});

test('zsh', async (context) => {
  needs(context, { command: 'zsh' }, { command: 'python3' });
  const shown = await completeOn(
    'zsh',
    ['-f', '-i'],
    `unsetopt zle_bracketed_paste; autoload -U compinit; compinit -u -D; eval "$(swob completion zsh)"; PS1='re''ady> '`,
  );
  for (const [, completed] of typed) expect(shown).toContain(completed);
});

test('fish', async (context) => {
  needs(context, { command: 'fish' });
  const script = `swob completion fish | source\n${typed.map(([line]) => `complete -C '${line}'`).join('\n')}`;
  const { stdout, stderr } = await runProcess('fish', ['--no-config', '-c', script], shellOptions());
  expect(stderr).toBe('');
  const words = stdout.split('\n').map((row) => row.split('\t')[0]);
  expect(words).toEqual([...typed.map(([, completed]) => completed.split(' ').at(-1)), '']);
});
