/** A key of ours for credentials of partners, and the name it goes by in what it sealed. */
export type EncryptionKey = { readonly kid: string; readonly key: Buffer };

/** Newest first: the first one seals, every one opens. */
export type Keyring = readonly EncryptionKey[];

export function newestKey(keyring: Keyring): EncryptionKey {
  const [newest] = keyring;
  if (!newest) throw new Error('There is no encryption key.');
  return newest;
}
