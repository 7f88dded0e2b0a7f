// Collects the licences of the bundled packages, which must be distributed with the build. Used by build.mjs.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * @param {string} root folder of the checkout
 * @param {string[]} files bundled files, relative to the root: `node_modules/fastify/fastify.js`
 * @returns {string} name, version, licence and licence text of each package
 */
export function licensesOf(root, files) {
  const folders = files.flatMap((file) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)?.[0] ?? []);
  return [...new Set(folders)]
    .sort()
    .map((folder) => licenseOf(join(root, folder)))
    .join(`\n${'-'.repeat(80)}\n\n`);
}

function licenseOf(folder) {
  const { name, version, license, licenses, author } = JSON.parse(
    readFileSync(join(folder, 'package.json'), 'utf8'),
  );
  // Old packages list them.
  const terms = license ?? licenses?.map(({ type }) => type).join(', ');
  const by = typeof author === 'string' ? author : author?.name;
  const texts = readdirSync(folder)
    .filter((file) => /^(licen[cs]e|copying|notice)/i.test(file))
    .sort()
    .map((file) => readFileSync(join(folder, file), 'utf8').trim());
  if (!terms) throw new Error(`${name} ${version} names no licence`);
  const head = `${name} ${version}\nLicence: ${terms}${by ? `\nAuthor: ${by}` : ''}\n`;
  return [head, ...texts.map((text) => `${text}\n`)].join('\n');
}
