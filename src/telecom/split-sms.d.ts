// The part of split-sms that swob uses; the package has no types.

declare module 'split-sms' {
  const splitter: {
    /** `summary` leaves out the texts of the parts. */
    split(
      text: string,
      options: { readonly summary: boolean },
    ): {
      readonly characterSet: 'GSM' | 'Unicode';
      readonly parts: readonly { readonly bytes: number }[];
    };
  };
  export default splitter;
}
