// C8: how long commands take, compared with `node -e 0`.

import { spawnSync } from 'node:child_process';
import type { Bench } from '../bench.ts';
import { startDaemon } from '../daemon.ts';
import { type BenchEnvironment, swobScript } from '../environment.ts';
import { inTurn } from '../rounds.ts';

/** Starts are short: three in each round of other benchmarks. */
const startsPerRound = 3;

export const startsBench: Bench = {
  id: 'C8',
  title: 'swob --version, swob seeds list --json',
  run: async (environment) => {
    const daemon = await startDaemon(environment, ['gateway', 'sync'], { role: 'load' });
    const list = [swobScript, 'seeds', 'list', '--json', '--url', daemon.urls.gateway];
    const rows = [
      await compare(environment, 'C8 swob --version', [swobScript, '--version'], 1.35),
      await compare(environment, 'C8 swob seeds list --json', list, 1.9),
    ];
    await daemon.child.stop();
    return rows;
  },
};

async function compare(environment: BenchEnvironment, name: string, args: readonly string[], atMost: number) {
  const failures: string[] = [];
  const run = async (nodeArgs: readonly string[]): Promise<number> => {
    const [command, placed] = environment.machine.place('server', process.execPath, nodeArgs);
    const since = performance.now();
    const { status } = spawnSync(command, placed, { stdio: 'ignore' });
    if (status !== 0) failures.push(`${nodeArgs.join(' ')} ended with ${status}`);
    return performance.now() - since;
  };
  await run(args);
  const { ours, baseline } = await inTurn(
    environment.rounds * startsPerRound,
    () => run(args),
    () => run(['-e', '0']),
  );
  return { name, unit: 'ms', ours, baseline, target: { atMost }, failures };
}
