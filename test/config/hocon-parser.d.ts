// The only call of @pushcorn/hocon-parser in hocon-oracle.test.ts; the package has no types.

declare module '@pushcorn/hocon-parser' {
  export default function parse(options: { text: string; strict: boolean }): Promise<unknown>;
}
