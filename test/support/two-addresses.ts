// `localhost` with two addresses, 127.0.0.1 and ::1, as on most machines: the hosts file of this one may name only the first.

import dns from 'node:dns';
import { writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { temporaryFolder } from './folders.ts';
import { onEnd } from './teardown.ts';

const addresses = [
  { address: '127.0.0.1', family: 4 },
  { address: '::1', family: 6 },
];

/** In this process, until the test ends. */
export function giveLocalhostTwoAddresses(): void {
  const { lookup } = dns.promises;
  Reflect.set(dns.promises, 'lookup', async () => addresses);
  syncBuiltinESMExports();
  onEnd(() => {
    Reflect.set(dns.promises, 'lookup', lookup);
    syncBuiltinESMExports();
  });
}

/** In processes with this environment. */
export function environmentWithTwoAddresses(): Record<string, string> {
  const file = join(temporaryFolder(), 'two-addresses.mjs');
  writeFileSync(
    file,
    `import dns from 'node:dns';
import { syncBuiltinESMExports } from 'node:module';
const { lookup } = dns.promises;
const addresses = ${JSON.stringify(addresses)};
dns.promises.lookup = async (host, options) => {
  if (host !== 'localhost') return lookup(host, options);
  return options?.all ? addresses : addresses[0];
};
syncBuiltinESMExports();
`,
  );
  return { NODE_OPTIONS: `--import=${pathToFileURL(file)}` };
}

/** The same URL with each of the addresses as its host. */
export function urlsOf(url: string): [v4: string, v6: string] {
  return [url.replace('//localhost:', '//127.0.0.1:'), url.replace('//localhost:', '//[::1]:')];
}
