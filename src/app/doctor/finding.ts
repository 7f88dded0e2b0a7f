// What `swob doctor` finds. Used by the checks of this folder and by the command.

export interface Finding {
  /** What was looked at: `store folder`. */
  readonly check: string;
  /** `warn`: works, and may not for long; `fail`: does not work. */
  readonly state: 'ok' | 'warn' | 'fail';
  /** What was found; never a secret. */
  readonly detail: string;
  /** What to do. */
  readonly advice?: string;
}

export function ok(check: string, detail: string): Finding {
  return { check, state: 'ok', detail };
}

export function warn(check: string, detail: string, advice: string): Finding {
  return { check, state: 'warn', detail, advice };
}

export function fail(check: string, detail: string, advice: string): Finding {
  return { check, state: 'fail', detail, advice };
}
