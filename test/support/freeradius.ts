// FreeRADIUS as a NAS that listens for Disconnect-Request and CoA-Request, and its counterpart radclient. Stops with the test.

import { execFile, spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, vi } from 'vitest';
import { temporaryFolder } from './folders.ts';
import { patient } from './patience.ts';
import { onEnd } from './teardown.ts';
import { freeUdpPort } from './udp-ports.ts';

/** What a test with it needs. */
export const freeradiusNeeds = [{ command: 'freeradius' }, { command: 'radclient' }] as const;

/** Knows the session of alice, and refuses all others with Session-Context-Not-Found. @returns its UDP port */
export async function startFreeradius(secret: string): Promise<number> {
  const folder = temporaryFolder();
  const port = await freeUdpPort();
  writeFileSync(join(folder, 'dictionary'), '$INCLUDE /usr/share/freeradius/dictionary\n');
  writeFileSync(join(folder, 'radiusd.conf'), configuration(folder, port, secret), { mode: 0o600 });
  const child = spawn('freeradius', ['-f', '-d', folder], { stdio: 'ignore' });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  onEnd(() => {
    child.kill('SIGKILL');
    return ended;
  });
  const log = join(folder, 'radius.log');
  await vi.waitFor(() => expect(readFileSync(log, 'utf8')).toContain('Ready to process requests'));
  return port;
}

/** What radclient prints; rejects on any exit code but 0 and 1, which is that of a NAK. */
export function radclient(
  port: number,
  secret: string,
  attributes: readonly string[],
  command: 'coa' | 'disconnect' | 'acct' = 'disconnect',
): Promise<string> {
  return new Promise((resolve, reject) => {
    const args = [
      '-x',
      '-r',
      '3',
      '-t',
      String(patient(5_000) / 1_000),
      `127.0.0.1:${port}`,
      command,
      secret,
    ];
    const child = execFile('radclient', args, (error, stdout) => {
      if (error && error.code !== 1) reject(error);
      else resolve(stdout);
    });
    child.stdin?.end(`${attributes.join(',')}\n`);
  });
}

function configuration(folder: string, port: number, secret: string): string {
  return `
name = nas
prefix = ${folder}
logdir = ${folder}
run_dir = ${folder}
raddbdir = ${folder}
libdir = /usr/lib/freeradius
pidfile = ${folder}/pid
log {
  destination = files
  file = ${folder}/radius.log
}
client local {
  ipaddr = 127.0.0.1
  secret = ${secret}
}
modules {
  always ok {
    rcode = ok
  }
  always reject {
    rcode = reject
  }
}
server nas {
  listen {
    type = coa
    ipaddr = 127.0.0.1
    port = ${port}
  }
  recv-coa {
    if (&User-Name != "alice") {
      update reply {
        Error-Cause := Session-Context-Not-Found
      }
      reject
    }
    else {
      ok
    }
  }
  send-coa {
    ok
  }
}
`;
}
