// A gateway with its console and the disconnect service in one process, and a stub of the PCRF. Used by the tests of the
// Disconnects view.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type RunningPcrfStub, startPcrfStub } from '../../src/stubs/pcrf.ts';
import { publicPem, sampleTime } from '../crypto/token-builder.ts';
import { createFakeClock } from './fake-clock.ts';
import { temporaryFolder } from './folders.ts';
import { type Services, startTestServices } from './services.ts';
import { onEnd } from './teardown.ts';

export interface WifiServices extends Services {
  readonly pcrf: RunningPcrfStub;
}

export async function startWifiServices(set: readonly string[] = []): Promise<WifiServices> {
  const clock = createFakeClock(sampleTime);
  const pcrf = await startPcrfStub({ host: '127.0.0.1', port: 0, clock });
  onEnd(() => pcrf.close());
  const keyFile = join(temporaryFolder(), 'public.pem');
  writeFileSync(keyFile, publicPem);
  const services = await startTestServices({
    clock,
    names: ['gateway', 'sync', 'disconnect'],
    set: [
      'pcrf.host=127.0.0.1',
      `pcrf.port=${new URL(pcrf.url).port}`,
      `validation.public_key=${keyFile}`,
      ...set,
    ],
  });
  return { ...services, pcrf };
}
