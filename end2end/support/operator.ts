// The operator the program makes at its first start.

export const operator = { email: 'operator@example.org', password: 'brisk-lantern-orchard-48' };
