// The names that developers, swob and gateway phones share on the broker. CONTRACT.md, "Outgoing SMS".

/** Topic exchange, durable. */
export const exchangeName = 'DEKU_CLUSTER_SMS';

const infix = '_OUTGOING_SMS';

/**
 * Well-formed auth ids, for a JSON schema: no sign that a pattern or a command line reads in its own way, and none
 * that makes one developer's names begin with another's.
 */
export const authIdPattern = `^(?!.*${infix})[A-Za-z0-9_]{1,64}$`;

/** What the names of a developer begin with. */
export function tenantPrefix(authId: string): string {
  return `${authId}${infix}`;
}

export function routingKey(authId: string, operatorName: string): string {
  return `${tenantPrefix(authId)}.${operatorName}`;
}

/** The queue of the gateway clients of one operator. */
export function queueName(authId: string, operatorName: string): string {
  return `${tenantPrefix(authId)}_${operatorName}`;
}

/** AMQP's limit for a routing key. */
const maxKeyBytes = 255;

/** What stands against an operator's name in a routing key; undefined when nothing does. */
export function operatorFault(authId: string, operatorName: string): string | undefined {
  if (operatorName === '') return 'it is empty';
  // Words and wildcards of topic exchanges, and what no terminal should print.
  if (/[.#*\p{C}]/u.test(operatorName)) return 'it holds ".", "#", "*" or control characters';
  if (Buffer.byteLength(routingKey(authId, operatorName)) > maxKeyBytes) return 'it is too long';
  return undefined;
}
