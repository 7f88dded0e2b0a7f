// Identities of the sample users and seeds, by index. Used by fixtures.ts and the baselines.

export const imsiOf = (index: number): string => `62401${String(index).padStart(10, '0')}`;
export const numberOf = (index: number): string => `+23767${String(index).padStart(7, '0')}`;
export const sharedKeyOf = (index: number): string => String(index).padStart(32, '0');
