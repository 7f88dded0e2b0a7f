// A vitest reporter that sends finished and running tests to test.mjs, so that an interrupted run has its counts. The run
// ends when test.mjs is killed.

import { rmSync } from 'node:fs';
import { endProcesses } from './process-tree.mjs';

/** The first line of the error. */
const reason = (error) => String(error?.message ?? error).split('\n', 1)[0];
const nameOf = (test) => `${test.module.relativeModuleId} > ${test.fullName}`;

export default class ResultsReporter {
  #counts = { passed: 0, failed: 0, skipped: 0 };
  #failures = [];
  #running = new Set();
  #testTimeout = 0;

  onInit(vitest) {
    this.#testTimeout = vitest.config.testTimeout;
    process.once('disconnect', () => {
      const { TMPDIR = '' } = process.env;
      endProcesses({ root: process.pid, mark: TMPDIR });
      rmSync(TMPDIR, { recursive: true, force: true });
      process.kill(process.pid, 'SIGKILL');
    });
    process.channel?.unref();
    this.#send();
  }

  // A busy worker may not have reported its current test.
  onTestModuleQueued(module) {
    this.#running.add(module.relativeModuleId);
    this.#send();
  }

  onTestModuleEnd(module) {
    this.#running.delete(module.relativeModuleId);
    this.#send();
  }

  onTestCaseReady(test) {
    this.#running.add(nameOf(test));
    this.#send();
  }

  onTestCaseResult(test) {
    this.#running.delete(nameOf(test));
    const { state, errors = [] } = test.result();
    if (state === 'failed') this.#fail(nameOf(test), errors[0] ?? state);
    else this.#counts[state] += 1;
    this.#send();
  }

  onTestRunEnd(modules, unhandledErrors) {
    // A file that does not load has errors and no tests.
    for (const module of modules)
      for (const error of module.errors()) this.#fail(module.relativeModuleId, error);
    for (const module of modules)
      for (const test of module.children.allTests('pending')) this.#fail(nameOf(test), 'it has not ended');
    for (const error of unhandledErrors) this.#fail('outside of any test', error);
    this.#send({ isOver: true });
  }

  #fail(name, error) {
    this.#counts.failed += 1;
    this.#failures.push(`${name}: ${reason(error)}`);
  }

  #send(more = {}) {
    process.send?.({
      counts: this.#counts,
      failures: this.#failures,
      running: [...this.#running],
      testTimeout: this.#testTimeout,
      ...more,
    });
  }
}
