// Lets the event loop do what else is due in the middle of long work.

/** Resolves after the input and output that waits has had its turn. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
