// Member names of earlier versions of swob, so that their folders and export files can still be read. Used by the
// migration of a folder and by the import.

const currentNames: Readonly<Record<string, string>> = {
  life: 'history',
  what: 'event',
  answer: 'reply',
  sendingSince: 'attemptStartedAt',
  unknowns: 'unknownOutcomes',
  heldMs: 'ageMs',
  heldAt: 'ageRecordedAt',
  // In export files only.
  published: 'receipts',
  answers: 'responses',
};

/** The same JSON value with current names. No record uses a former name for anything else. */
export function withCurrentNames(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withCurrentNames);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [currentName(name), withCurrentNames(member)]),
  );
}

export function currentName(name: string): string {
  return Object.hasOwn(currentNames, name) ? (currentNames[name] ?? name) : name;
}
