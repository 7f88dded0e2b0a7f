// The server that swob replaces, from a checkout of the user's: SMSWithoutBorders-Gateway-Server, configured as its README says.
// It runs in Flask's own server, with the Python of its `venv` where there is one. Used by C12.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BenchEnvironment, Server } from './environment.ts';
import { freePort } from './free-port.ts';

const startMs = 30_000;
const pollMs = 200;

/** Throws when it does not start, for instance because a package or its confs/conf.ini is missing. */
export async function startOldServer(environment: BenchEnvironment, folder: string): Promise<Server> {
  const main = join(folder, 'main.py');
  if (!existsSync(main)) throw new Error(`${main} is missing: --old needs a checkout of the replaced server`);
  const own = join(folder, 'venv', 'bin', 'python3');
  const port = String(await freePort());
  // Not by `python3 main.py`, whose reloader starts the server in another process, which nobody stops.
  const flask = ['-m', 'flask', 'run', '--no-reload', '--host', '127.0.0.1', '--port', port];
  const child = environment.startServerProgram(
    'the replaced server',
    'env',
    ['FLASK_APP=main.py', existsSync(own) ? own : 'python3', ...flask],
    folder,
  );
  const url = `http://127.0.0.1:${port}`;
  let exited: unknown;
  // It prints a line or more before it listens.
  const watch = async (): Promise<never> => {
    for (;;) await child.nextLine(startMs);
  };
  watch().catch((error: unknown) => {
    exited = error;
  });
  for (const late = performance.now() + startMs; !(await answers(url)); await sleep(pollMs)) {
    if (exited) throw exited;
    if (performance.now() > late) throw new Error(`${main} does not answer at ${url}`);
  }
  return { url, child };
}

async function answers(url: string): Promise<boolean> {
  try {
    await fetch(`${url}/`, { signal: AbortSignal.timeout(startMs) });
    return true;
  } catch {
    return false;
  }
}
