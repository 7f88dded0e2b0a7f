// Which identifiers are well formed, in testing and in production (CONTRACT.md, first section).

export type ApiState = 'testing' | 'production';

/** Patterns without slashes, for regular expressions and JSON schemas alike. */
export interface IdentifierPatterns {
  readonly imsi: string;
  readonly msisdn: string;
  readonly userId: string;
  readonly sessionId: string;
}

// `.` and `..` are never user ids: clients and proxies would take them for folders.
const patterns: Record<ApiState, IdentifierPatterns> = {
  testing: {
    imsi: '^[A-Za-z0-9_.+-]{1,64}$',
    msisdn: '^[A-Za-z0-9_.+-]{1,64}$',
    userId: '^(?!\\.{1,2}$)[A-Za-z0-9_.+-]{1,64}$',
    sessionId: '^(?!\\.{1,2}$)[A-Za-z0-9_.+-]{1,64}$',
  },
  production: {
    imsi: '^[0-9]{6,15}$',
    msisdn: '^\\+[1-9][0-9]{1,14}$',
    userId: '^(?!\\.{1,2}$)[A-Za-z0-9_.-]{1,128}$',
    sessionId: '^[0-9a-f]{32}$',
  },
};

export function identifierPatterns(state: ApiState): IdentifierPatterns {
  return patterns[state];
}
