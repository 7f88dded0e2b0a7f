// The names of exchange, queues and routing keys that developers, swob and gateway phones share on the broker.
// docs/protocol.md, "Outgoing SMS".

/** Topic exchange, durable: gateway phones that listen by the name of an operator. */
export const exchangeName = 'DEKU_CLUSTER_SMS';

const infix = '_OUTGOING_SMS';

/**
 * Well-formed auth ids, for a JSON schema: no characters that are special in patterns or on a command line, and no id
 * with which the names of one developer would begin with those of another.
 */
export const authIdPattern = `^(?!.*${infix})[A-Za-z0-9_]{1,64}$`;

/** Prefix of all names of a developer. */
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

/** Topic exchange, durable: the developer's own, for phones that listen by the network of their SIM (DekuSMS). */
export function developerExchangeName(authId: string): string {
  return tenantPrefix(authId);
}

/**
 * Routing key in the developer's exchange, and the binding that DekuSMS fills in for its SIM: `<exchange>.237.62401`.
 * @param callingCode of the country, without `+`; null when unknown
 * @param networkCode MCC and MNC, such as `62401`; null when unknown
 */
export function networkRoutingKey(
  authId: string,
  callingCode: string | null,
  networkCode: string | null,
): string {
  const network = networkCode === null ? unknownWord : phoneNetworkCode(networkCode);
  return `${developerExchangeName(authId)}.${callingCode ?? unknownWord}.${network}`;
}

/** Binding for all SMS of the developer. */
export function everyNetworkBinding(authId: string): string {
  return `${developerExchangeName(authId)}.#`;
}

/** How a gateway phone receives SMS: its queue, and the key that binds it to an exchange. */
export interface PhoneBinding {
  readonly exchange: string;
  readonly queue: string;
  readonly key: string;
  /** Whether the phone declares the exchange itself. */
  readonly declaresExchange: boolean;
}

/** Of a gateway client that listens by the name of an operator. */
function operatorBinding(authId: string, operatorName: string): PhoneBinding {
  return {
    exchange: exchangeName,
    queue: queueName(authId, operatorName),
    key: routingKey(authId, operatorName),
    declaresExchange: false,
  };
}

/** Of DekuSMS, which names its queue after the key. */
export function networkBinding(authId: string, key: string): PhoneBinding {
  const exchange = developerExchangeName(authId);
  return { exchange, queue: key.replaceAll('.', '_'), key, declaresExchange: true };
}

/** Why a key is not a binding of DekuSMS to the developer's exchange; undefined when it is one. */
function networkBindingFault(authId: string, key: string): string | undefined {
  const prefix = `${developerExchangeName(authId)}.`;
  if (!key.startsWith(prefix) || key.length === prefix.length) return `it does not begin with ${prefix}`;
  if (/\p{C}/u.test(key)) return 'it contains control characters';
  if (Buffer.byteLength(key) > maxKeyBytes) return 'it is too long';
  return undefined;
}

/** A phone that listens by the name of an operator, or like DekuSMS by a key: without one, to all SMS of the developer. */
export interface PhoneChoice {
  readonly operator?: string | undefined;
  readonly binding?: string | undefined;
}

/** How that phone receives SMS; or which member of the choice is at fault, and why. */
export function choosePhoneBinding(
  authId: string,
  { operator, binding }: PhoneChoice,
): PhoneBinding | { readonly fault: string; readonly member: keyof PhoneChoice } {
  if (operator === undefined) {
    const key = binding ?? everyNetworkBinding(authId);
    const fault = networkBindingFault(authId, key);
    return fault === undefined ? networkBinding(authId, key) : { fault, member: 'binding' };
  }
  if (binding !== undefined) return { fault: 'it excludes operator', member: 'binding' };
  const fault = operatorFault(authId, operator);
  return fault === undefined ? operatorBinding(authId, operator) : { fault, member: 'operator' };
}

/** In place of an unknown country or network; bindings with wildcards match it. */
const unknownWord = '0';

/** DekuSMS reads the MNC as a number and pads it to two digits: `310004` is `31004` there. */
function phoneNetworkCode(code: string): string {
  return code.slice(0, 3) + String(Number(code.slice(3))).padStart(2, '0');
}

/** AMQP's limit of a routing key. */
const maxKeyBytes = 255;

/** Why an operator's name cannot be part of a routing key; undefined when it can. */
export function operatorFault(authId: string, operatorName: string): string | undefined {
  if (operatorName === '') return 'it is empty';
  // Separators and wildcards of topic exchanges, and control characters that could manipulate a terminal.
  if (/[.#*\p{C}]/u.test(operatorName)) return 'it contains ".", "#", "*" or control characters';
  if (Buffer.byteLength(routingKey(authId, operatorName)) > maxKeyBytes) return 'it is too long';
  return undefined;
}
