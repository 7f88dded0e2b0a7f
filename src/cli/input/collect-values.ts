// Collects the values of a repeatable option. Has no imports, because the program loads it before it knows the command.

export function collectValues(value: string, earlier: readonly string[] = []): readonly string[] {
  return [...earlier, value];
}
