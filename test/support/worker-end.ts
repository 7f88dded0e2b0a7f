// Resources that a vitest worker keeps over several test files.

const disposers = new Set<() => void>();

/** Runs `dispose` when this worker ends, which vitest does by SIGTERM; it must not wait for anything. */
export function onWorkerEnd(dispose: () => void): void {
  exitOnSignal();
  disposers.add(dispose);
}

let exits = false;

/** Has the worker exit at that signal, so that listeners of `exit` run, also those of packages. */
export function exitOnSignal(): void {
  if (exits) return;
  exits = true;
  process.once('exit', runAll);
  process.once('SIGTERM', () => {
    // First, because vitest lets `exit` throw while a test runs.
    runAll();
    process.exit(128 + 15);
  });
}

function runAll(): void {
  for (const dispose of disposers) dispose();
  disposers.clear();
}
