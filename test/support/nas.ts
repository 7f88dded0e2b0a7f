// A stub of a NAS with a secret file, and the configuration that makes the disconnect service use it. Used by disconnect.ts and
// the tests of RADIUS.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type NasStubOptions, type RunningNasStub, startNasStub } from '../../src/stubs/nas.ts';
import { temporaryFolder } from './folders.ts';
import { onEnd } from './teardown.ts';

export const nasSecret = 'a shared secret of the NAS';

export interface ConfiguredNas {
  readonly stub: RunningNasStub;
  readonly secretFile: string;
  /** Of `--set`: the backend radius, and this NAS as `[nas branch]`. */
  readonly set: readonly string[];
  /** As messages name it: `NAS branch at 127.0.0.1:40005`. */
  readonly name: string;
}

/** Closed when the test ends. */
export async function startNas(options: Partial<NasStubOptions> = {}): Promise<ConfiguredNas> {
  const at = { host: '127.0.0.1', port: 0, radiusPort: 0 };
  const stub = await startNasStub({ ...at, secret: nasSecret, ...options });
  onEnd(() => stub.close());
  const secretFile = join(temporaryFolder(), 'nas.secret');
  writeFileSync(secretFile, `${nasSecret}\n`, { mode: 0o400 });
  const { address, port } = stub.radius;
  return {
    stub,
    secretFile,
    set: [
      'disconnect.backend=radius',
      `nas branch.address=${address}`,
      `nas branch.secret_file=${secretFile}`,
      `nas branch.port=${port}`,
    ],
    name: `NAS branch at ${address}:${port}`,
  };
}
