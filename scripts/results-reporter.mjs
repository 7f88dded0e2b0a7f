// A vitest reporter that sends each result to test.mjs immediately, so that an interrupted run has its counts. The run
// ends when test.mjs is killed. The messages are those of test-results.mjs.

import { rmSync } from 'node:fs';
import { endProcesses } from './process-tree.mjs';

/** The first line of the error. */
const reason = (error) => String(error?.message ?? error).split('\n', 1)[0];
const nameOf = (test) => `${test.module.relativeModuleId} > ${test.fullName}`;
const send = (message) => process.send?.(message);

export default class ResultsReporter {
  onInit(vitest) {
    process.once('disconnect', () => {
      const { TMPDIR = '' } = process.env;
      endProcesses({ root: process.pid, mark: TMPDIR });
      rmSync(TMPDIR, { recursive: true, force: true });
      process.kill(process.pid, 'SIGKILL');
    });
    process.channel?.unref();
    send({ type: 'start', testTimeout: vitest.config.testTimeout });
  }

  // A busy worker may not have reported its current test.
  onTestModuleQueued(module) {
    send({ type: 'begin', name: module.relativeModuleId });
  }

  onTestModuleEnd(module) {
    send({ type: 'end', name: module.relativeModuleId });
  }

  onTestCaseReady(test) {
    send({ type: 'begin', name: nameOf(test) });
  }

  onTestCaseResult(test) {
    send({ type: 'end', name: nameOf(test) });
    const { state, errors = [] } = test.result();
    this.#test(test, state, errors[0] ?? state);
  }

  onTestRunEnd(modules, unhandledErrors) {
    for (const module of modules) {
      const { moduleId: file, relativeModuleId } = module;
      // A file that does not load has errors and no tests, a group whose `beforeAll` fails has errors and skipped tests.
      for (const error of module.errors()) this.#error(file, relativeModuleId, error);
      for (const suite of module.children.allSuites())
        for (const error of suite.errors()) this.#error(file, nameOf(suite), error);
      for (const test of module.children.allTests('pending')) this.#test(test, 'failed', 'it has not ended');
      if (['pending', 'queued'].includes(module.state()))
        this.#error(file, relativeModuleId, 'it has not ended');
    }
    // The path is that of the file which the worker was at.
    for (const error of unhandledErrors) this.#error(error.VITEST_TEST_PATH, 'outside of any test', error);
    send({ type: 'over' });
  }

  #test(test, state, error) {
    const { id, module } = test;
    send({ type: 'test', id, file: module.moduleId, name: nameOf(test), state, reason: reason(error) });
  }

  #error(file, name, error) {
    send({ type: 'error', file, name, reason: reason(error) });
  }
}
