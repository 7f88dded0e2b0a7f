// Results that are often known without waiting. Used on the paths that most requests take, where an `await` would
// cost each of them a turn of the microtask queue.

export type MaybePromise<T> = T | Promise<T>;

/** Applies `next` to the value: synchronously when it is there, and on arrival when it is a promise. */
export function mapMaybe<From, To>(
  value: MaybePromise<From>,
  next: (value: From) => MaybePromise<To>,
): MaybePromise<To> {
  return value instanceof Promise ? value.then(next) : next(value);
}
