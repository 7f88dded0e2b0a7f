// B8: how long commands take, beside `node -e 0`.

import { spawnSync } from 'node:child_process';
import type { Bench } from '../bench.ts';
import { startDaemon } from '../daemon.ts';
import { type Lab, swobScript } from '../lab.ts';
import { inTurn } from '../rounds.ts';

/** A start is short: three for each round of the others. */
const startsARound = 3;

export const startsBench: Bench = {
  id: 'B8',
  title: 'swob --version, swob seeds list --json',
  run: async (lab) => {
    const daemon = await startDaemon(lab, ['gateway', 'sync'], { role: 'load' });
    const list = [swobScript, 'seeds', 'list', '--json', '--url', daemon.urls.gateway];
    const rows = [
      await compare(lab, 'B8 swob --version', [swobScript, '--version'], 1.35),
      await compare(lab, 'B8 swob seeds list --json', list, 1.9),
    ];
    await daemon.child.stop();
    return rows;
  },
};

async function compare(lab: Lab, name: string, args: readonly string[], atMost: number) {
  const faults: string[] = [];
  const run = async (nodeArgs: readonly string[]): Promise<number> => {
    const [command, placed] = lab.machine.place('server', process.execPath, nodeArgs);
    const since = performance.now();
    const { status } = spawnSync(command, placed, { stdio: 'ignore' });
    if (status !== 0) faults.push(`${nodeArgs.join(' ')} ended with ${status}`);
    return performance.now() - since;
  };
  await run(args);
  const { ours, baseline } = await inTurn(
    lab.rounds * startsARound,
    () => run(args),
    () => run(['-e', '0']),
  );
  return { name, unit: 'ms', ours, baseline, target: { atMost }, faults };
}
