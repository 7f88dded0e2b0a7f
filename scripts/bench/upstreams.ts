// The systems around swob, as processes of the load, and the settings that name them. Used by the benches and the soak.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Lab, startServer, swobScript } from './lab.ts';

/** PCRF, Publisher and user management API in one. */
export async function startUpstream(lab: Lab) {
  const { url, child } = await startServer(lab, 'load', 'upstream');
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

/** `swob stub developer`: a number belongs to the user of the same name. Asked once for each number. */
export async function startBackEnd(lab: Lab) {
  const readyFile = join(await lab.folder(), 'ready.json');
  const args = [swobScript, 'stub', 'developer', '--port', '0', '--ready-file', readyFile];
  const child = lab.startNode('load', 'back end', args);
  await child.nextLine();
  const { url }: { url: string } = JSON.parse(await readFile(readyFile, 'utf8'));
  const { hostname, port } = new URL(url);
  return { child, settings: [`backend_publisher.host=${hostname}`, `backend_publisher.port=${port}`] };
}
