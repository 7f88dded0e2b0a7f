// Codes of errors that a later attempt may not run into. Used by `repeat.ts` and `swob wait`.

export const transientErrors: ReadonlySet<string> = new Set([
  'UNREACHABLE',
  'UNAVAILABLE',
  'UPSTREAM',
  'LIMITED',
]);
