// A result of `swob doctor`. Used by the checks of this folder and by the command.

export interface Finding {
  /** What was checked: `store folder`. */
  readonly check: string;
  /** `warn`: works, but may stop working; `fail`: does not work. */
  readonly state: 'ok' | 'warn' | 'fail';
  /** What happened, and to what; never contains a secret. */
  readonly detail: string;
  /** How to fix it. */
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
