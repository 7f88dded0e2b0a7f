// Lets the event loop do what else is due in the middle of long work.

/** Resolves after the input and output that waits has had its turn. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/**
 * Bounds the work that many callers together do in one turn of the event loop. Each awaits the result before a unit of work; undefined
 * when it may go on at once. Callers that have to wait go on one a turn, in the order in which they came.
 */
export function createTurns(unitsPerTurn: number): () => Promise<void> | undefined {
  let left = unitsPerTurn;
  let waiting = 0;
  let last: Promise<void> = Promise.resolve();
  return () => {
    if (waiting === 0 && left-- > 0) return undefined;
    waiting++;
    last = last.then(nextTurn).then(() => {
      waiting--;
      left = unitsPerTurn - 1;
    });
    return last;
  };
}
