// The systems around swob, in load processes, and the settings that name them. Used by the benchmarks and the soak test.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type BenchEnvironment, startServer, swobScript } from './environment.ts';

/** PCRF, Publisher and user management API in one. */
export async function startUpstream(environment: BenchEnvironment) {
  const { url, child } = await startServer(environment, 'load', 'upstream');
  const { hostname, port } = new URL(url);
  return {
    url,
    child,
    settings: {
      users: [
        `user_management_api.api_url=${url}`,
        `user_management_api.verification_url=${url}/v2/users/%s/verify`,
        `user_management_api.platforms_url=${url}/v2/users/%s/platforms`,
      ],
      publisher: [`publisher.host=${hostname}`, `publisher.port=${port}`],
      pcrf: [`pcrf.host=${hostname}`, `pcrf.port=${port}`],
    },
    counts: async (): Promise<{ published: number; disconnected: number }> =>
      JSON.parse(await (await fetch(`${url}/count`)).text()),
  };
}

/** `swob stub developer`, which accepts every developer: a number belongs to the user of the same name. Called once for each number. */
export async function startDeveloperApi(environment: BenchEnvironment) {
  const readyFile = join(await environment.folder(), 'ready.json');
  const args = [swobScript, 'stub', 'developer', '--port', '0', '--ready-file', readyFile];
  const child = environment.startNode('load', 'back end', args);
  await child.nextLine();
  const { url }: { url: string } = JSON.parse(await readFile(readyFile, 'utf8'));
  const { hostname, port } = new URL(url);
  return { child, url, settings: [`backend_publisher.host=${hostname}`, `backend_publisher.port=${port}`] };
}
