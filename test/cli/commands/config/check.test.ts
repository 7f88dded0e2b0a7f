import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { temporaryFolder } from '../../../support/folders.ts';
import { createCli } from '../../harness.ts';

function fileOf(text: string): string {
  const file = join(temporaryFolder(), 'conf.ini');
  writeFileSync(file, text);
  return file;
}

describe('swob config check', () => {
  test('says that there are no errors, and prints warnings on stderr', async () => {
    const cli = createCli();
    expect(await cli.swob('config', 'check', '-c', fileOf('[api]\ndebug = true\n'))).toBe(0);
    expect(cli.out.text).toMatch(/^\d+ keys, no errors\n$/);
    expect(cli.err.text).toContain('debug');
  });

  test('reports all errors together and exits with 78', async () => {
    const cli = createCli();
    const file = fileOf('[api]\nport = abc\nhots = x\n');
    expect(await cli.swob('config', 'check', '-c', file)).toBe(78);
    expect(cli.err.text).toContain(`${file}:2`);
    expect(cli.err.text).toContain(`${file}:3`);
    expect(cli.out.text).toBe('');
  });
});
