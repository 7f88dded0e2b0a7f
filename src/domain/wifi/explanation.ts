// How a token is judged, and what would be sent for it; for operators. app/explain-disconnect.ts makes it.

interface JudgedClaim {
  readonly name: string;
  /** As JSON, shortened; `-` when the token has none. */
  readonly value: string;
  /** Empty when nothing is wrong with it. */
  readonly faults: readonly string[];
  /** RADIUS cannot send it, and the token is valid without it. */
  readonly ignored?: true;
}

export interface Explanation {
  readonly valid: boolean;
  /** Of form, header and signature; claims are judged only when there are none. */
  readonly faults: readonly string[];
  readonly claims: readonly JudgedClaim[];
  /** What would be sent; empty when the token is refused. */
  readonly calls: readonly string[];
}
