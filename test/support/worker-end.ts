// Resources that a vitest worker keeps over several test files.

const disposers = new Set<() => void>();

/** Runs `dispose` when this worker ends, which vitest does by SIGTERM; it must not wait for anything. */
export function onWorkerEnd(dispose: () => void): void {
  if (disposers.size === 0) {
    process.once('exit', runAll);
    process.once('SIGTERM', () => {
      runAll();
      process.kill(process.pid, 'SIGTERM');
    });
  }
  disposers.add(dispose);
}

function runAll(): void {
  for (const dispose of disposers) dispose();
  disposers.clear();
}
