// The one call of @pushcorn/hocon-parser that hocon-oracle.test.ts makes; the package has no types.

declare module '@pushcorn/hocon-parser' {
  export default function parse(options: { text: string; strict: boolean }): Promise<unknown>;
}
