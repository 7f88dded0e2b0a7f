// The catalogue of what can go wrong: for each code the HTTP status that a service answers and the
// exit code that the command line ends with (sysexits(3)). Every room throws `SwobError`.

/** HTTP status and exit code of each failure, with what it means to an operator. */
export const catalogue = {
  BAD_INPUT: { http: 400, exit: 65, meaning: 'a value that was sent is not well formed' },
  UNAUTHENTICATED: { http: 401, exit: 1, meaning: 'password or token refused' },
  FORBIDDEN: { http: 403, exit: 1, meaning: 'not allowed from there' },
  NOT_FOUND: { http: 404, exit: 1, meaning: 'no such route, session or seed' },
  CONFLICT: { http: 409, exit: 1, meaning: 'another phone or socket has it already' },
  TOO_LARGE: { http: 413, exit: 65, meaning: 'the body is over the limit' },
  UNSUPPORTED_MEDIA: { http: 415, exit: 65, meaning: 'the body is not of the content type expected' },
  LIMITED: { http: 429, exit: 75, meaning: 'a rate limit of [limits] is used up; try again later' },
  INTERNAL: { http: 500, exit: 70, meaning: 'a defect in swob; please report it' },
  UPSTREAM: { http: 502, exit: 69, meaning: 'a system that swob depends on failed or answered nonsense' },
  UNAVAILABLE: { http: 503, exit: 75, meaning: 'a resource is full, busy or cannot be written now' },
  OVERLOADED: {
    http: 503,
    exit: 75,
    meaning: 'new work is refused so that the process survives; see [overload]',
  },
  UNREACHABLE: { http: 503, exit: 69, meaning: 'a service did not answer' },
  TIMEOUT: { http: 504, exit: 69, meaning: 'a system that swob depends on did not answer in time' },
  REFUSED: { http: 400, exit: 1, meaning: 'the answer is no' },
  USAGE: { http: 400, exit: 64, meaning: 'the command line is wrong' },
  CONFIG: { http: 500, exit: 78, meaning: 'the configuration or a file that it names is wrong' },
} as const;

export type ErrorCode = keyof typeof catalogue;

export function isErrorCode(text: unknown): text is ErrorCode {
  return typeof text === 'string' && Object.hasOwn(catalogue, text);
}

/** An expected failure. `message` says what happened, to what, and what to do; never a secret. */
export class SwobError extends Error {
  readonly code: ErrorCode;
  /** Seconds after which trying again makes sense (rate limits and overload). */
  readonly retryAfter: number | undefined;
  /** What a stranger may read: the message, unless it names files and hosts of the operator. */
  readonly forClients: string;
  /** A store has no room: something else that it keeps may give way. */
  readonly noRoom: boolean;

  constructor(
    code: ErrorCode,
    message: string,
    options: { cause?: unknown; retryAfter?: number; forClients?: string; noRoom?: boolean } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'SwobError';
    this.code = code;
    this.retryAfter = options.retryAfter;
    this.forClients = options.forClients ?? message;
    this.noRoom = options.noRoom ?? false;
  }

  get http(): number {
    return catalogue[this.code].http;
  }

  get exit(): number {
    return catalogue[this.code].exit;
  }
}

/** The message of anything thrown, for logs and wrapping. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The system's name of an error, e.g. `ENOENT`; undefined for other errors. */
export function errnoOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
