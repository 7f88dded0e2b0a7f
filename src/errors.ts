// The catalogue of failures: for each code, the HTTP status of the response and the
// exit code of the command line (sysexits(3)). Every layer throws `SwobError`.

/** HTTP status and exit code of each failure, with what it means to an operator. */
export const errorCatalogue = {
  BAD_INPUT: { http: 400, exit: 65, meaning: 'A value of the request is malformed.' },
  NO_TOKEN: { http: 400, exit: 65, meaning: 'The request has no token.' },
  UNAUTHENTICATED: { http: 401, exit: 1, meaning: 'The password or the token is wrong.' },
  FORBIDDEN: { http: 403, exit: 1, meaning: 'The client may not do this.' },
  NOT_FOUND: { http: 404, exit: 1, meaning: 'The route, session or seed does not exist.' },
  METHOD_NOT_ALLOWED: { http: 405, exit: 64, meaning: 'The route does not support this method.' },
  CONFLICT: { http: 409, exit: 1, meaning: 'Another phone or socket already uses the session.' },
  TOO_LARGE: { http: 413, exit: 65, meaning: 'The body exceeds the size limit.' },
  UNSUPPORTED_MEDIA: { http: 415, exit: 65, meaning: 'The route does not accept this content type.' },
  LIMITED: { http: 429, exit: 75, meaning: 'A rate limit of [limits] is exceeded; try again later.' },
  INTERNAL: { http: 500, exit: 70, meaning: 'This is a defect in swob; please report it.' },
  UPSTREAM: {
    http: 502,
    exit: 69,
    meaning: 'A system that swob depends on failed or sent an invalid response.',
  },
  BUSY: {
    http: 503,
    exit: 75,
    meaning: 'Every connection to a system that swob depends on is in use; try again.',
  },
  UNAVAILABLE: { http: 503, exit: 75, meaning: 'A resource is full, busy or currently not writable.' },
  OVERLOADED: {
    http: 503,
    exit: 75,
    meaning: 'The process is overloaded and rejects new work; see [overload].',
  },
  UNREACHABLE: { http: 503, exit: 69, meaning: 'A service did not respond.' },
  TIMEOUT: { http: 504, exit: 69, meaning: 'A system that swob depends on did not respond in time.' },
  REFUSED: { http: 400, exit: 1, meaning: 'The request was refused.' },
  USAGE: { http: 400, exit: 64, meaning: 'The command line is invalid.' },
  CONFIG: { http: 500, exit: 78, meaning: 'The configuration, or a file that it names, is invalid.' },
} as const;

export type ErrorCode = keyof typeof errorCatalogue;

export function isErrorCode(text: unknown): text is ErrorCode {
  return typeof text === 'string' && Object.hasOwn(errorCatalogue, text);
}

/** An expected failure. `message` says what happened, to what, and what to do; never a secret. */
export class SwobError extends Error {
  readonly code: ErrorCode;
  /** Seconds after which trying again makes sense (rate limits and overload). */
  readonly retryAfter: number | undefined;
  /** What a stranger may read: the message, unless it names files and hosts of the operator. */
  readonly publicMessage: string;

  constructor(
    code: ErrorCode,
    message: string,
    options: { cause?: unknown; retryAfter?: number; publicMessage?: string } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'SwobError';
    this.code = code;
    this.retryAfter = options.retryAfter;
    this.publicMessage = options.publicMessage ?? message;
  }

  get httpStatus(): number {
    return errorCatalogue[this.code].http;
  }

  get exitCode(): number {
    return errorCatalogue[this.code].exit;
  }
}

/** The operator has not set up what the request needs, which anybody may request. Its code is UNAVAILABLE. */
export class NotConfiguredError extends SwobError {
  constructor(message: string, publicMessage: string) {
    super('UNAVAILABLE', message, { publicMessage });
  }
}

/** The message of any thrown value, for logs and wrapping. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The system's name of an error, e.g. `ENOENT`; undefined for other errors. */
export function systemErrorCode(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}

/** Why a file could not be read, with a remedy where the system's message does not help. */
export function describeReadError(error: unknown): string {
  if (systemErrorCode(error) !== 'EISDIR') return messageOf(error);
  return 'EISDIR: it is a folder (Docker makes one where the file to mount is missing on the host: remove it, and put the file there)';
}
