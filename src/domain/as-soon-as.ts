// For what may be there already, or come: where most requests need no promise, as each costs a turn of the queue.

/** `next` of the value: at once when it is there, else when it comes. */
export function asSoonAs<From, To>(
  value: From | Promise<From>,
  next: (value: From) => To | Promise<To>,
): To | Promise<To> {
  return value instanceof Promise ? value.then(next) : next(value);
}
