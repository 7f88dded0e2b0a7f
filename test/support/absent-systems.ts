// Configuration that points all upstream systems at a port without a listener, because the default ports may be in use
// on the machine that runs the tests.

import { freePort } from './ports.ts';

/** Sections with their keys; a test overrides the systems that it needs. */
async function absentSystems(): Promise<Readonly<Record<string, Readonly<Record<string, string>>>>> {
  const port = String(await freePort());
  const origin = `http://127.0.0.1:${port}`;
  return {
    user_management_api: {
      verification_url: `${origin}/v2/users/%s/verify`,
      platforms_url: `${origin}/v2/users/%s/platforms`,
    },
    dev_api: { authentication_url: `${origin}/v1/authenticate` },
    backend_publisher: { port },
    publisher: { port },
    pcrf: { port },
  };
}

/** The same as `section.key=value` each. */
export async function absentSystemSettings(): Promise<string[]> {
  return Object.entries(await absentSystems()).flatMap(([section, keys]) =>
    Object.entries(keys).map(([key, value]) => `${section}.${key}=${value}`),
  );
}

/** The same as lines of a configuration file, without the sections that `text` has already. */
export async function absentSystemLines(text: string): Promise<string[]> {
  return Object.entries(await absentSystems())
    .filter(([section]) => !text.includes(`[${section}]`))
    .flatMap(([section, keys]) => [
      `[${section}]`,
      ...Object.entries(keys).map(([key, value]) => `${key} = ${value}`),
    ]);
}
