// A request to a stub that something else than the stub answers: a recording of the real system. Used by stub-server.ts and
// `swob stub … --record` and `--replay`.

import type { IncomingMessage, ServerResponse } from 'node:http';

/** A request as recordings know it. */
interface InterceptedRequest {
  readonly request: IncomingMessage;
  /** As received; empty without a body. */
  readonly body: Buffer;
  readonly response: ServerResponse;
}

/** Answers in place of the stub. A SwobError that it throws becomes the response. */
export type Intercept = (intercepted: InterceptedRequest) => Promise<void>;
