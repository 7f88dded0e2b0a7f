// Types of the three node-forge files that oaep.ts uses; @types/node-forge knows neither `pkcs1` nor these paths.

declare module 'node-forge/lib/sha1.js' {
  const sha1: { create(): import('node-forge').md.MessageDigest };
  export default sha1;
}

declare module 'node-forge/lib/sha256.js' {
  const sha256: { create(): import('node-forge').md.MessageDigest };
  export default sha256;
}

declare module 'node-forge/lib/pkcs1.js' {
  type MessageDigest = import('node-forge').md.MessageDigest;
  /** All texts are binary strings: one character a byte. */
  const pkcs1: {
    encode_rsa_oaep(
      key: { n: { bitLength(): number } },
      message: string,
      options: { seed: string; md: MessageDigest; mgf1: { md: MessageDigest } },
    ): string;
    decode_rsa_oaep(
      key: { n: { bitLength(): number } },
      block: string,
      options: { md: MessageDigest; mgf1: { md: MessageDigest } },
    ): string;
  };
  export default pkcs1;
}
