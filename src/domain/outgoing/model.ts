// Outgoing SMS, callbacks and stored responses.

/** A result to be reported to a URL of a developer. */
export interface Callback {
  readonly url: string;
  /** The JSON to send. */
  readonly body: string;
  /** Callbacks in the same lane are sent one after the other. */
  readonly lane?: string;
}

/** One outgoing SMS, for a developer's gateway clients at one operator. */
export interface OutgoingSms {
  readonly authId: string;
  /** As in the name of the queue, e.g. `MTN Cameroon`; empty when unknown. */
  readonly operatorName: string;
  /** E.164 */
  readonly number: string;
  readonly text: string;
  /** Calling code of the number's country, such as `237`; null when unknown. */
  readonly callingCode: string | null;
  /** MCC and MNC of the operator's networks in that country, such as `62401`; empty when unknown. */
  readonly networkCodes: readonly string[];
  /** Subscription id of the SIM on the phone, for phones that read it: a whole number in text. */
  readonly sid: string;
  /** By which phones report on it: 1 to 2,147,483,647 in decimal digits; an SMS of swob itself has none. */
  readonly messageId?: string;
  /** The broker drops it if no phone has taken it by then; Unix time in milliseconds. */
  readonly validUntil?: number;
}

/** The response to a developer's request, stored so that the same request gets it again. */
export interface StoredResponse {
  /** SHA-256 of the request. */
  readonly request: string;
  /** The JSON of the response; that of the progress so far while the request is unfinished. */
  readonly body: string;
  /** Number of items whose outcome is known (`done`), and number of items that may have been sent (`begun`). */
  readonly unfinished?: { readonly done: number; readonly begun: number };
}

/** Hours of each day in which no SMS is sent, in minutes after midnight; over midnight when `from` is later than `to`. */
export interface QuietHours {
  /** Undefined for all operators that have none of their own. */
  readonly operatorName?: string;
  readonly from: number;
  /** The first minute in which SMS are sent again. */
  readonly to: number;
  /** IANA name, such as `Africa/Douala`. */
  readonly timeZone: string;
}
