// Files of the replaced services, of test/config/fixtures.

import { readFileSync } from 'node:fs';

export function fixtureText(name: string): string {
  return readFileSync(`test/config/fixtures/${name}`, 'utf8');
}
