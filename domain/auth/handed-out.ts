import type { Attempt, Identity } from '../../connectors/google/google.ts';
import type { Keyring } from '../connections/keyring.ts';
import { open, seal, SealError } from '../connections/seal.ts';

/** What is handed out, by what it is good for. */
type Contents = { 'google attempt': Attempt; 'google identity': Identity };
type Purpose = keyof Contents;

const cellOf = (purpose: Purpose) => ({ table: 'handed out', column: purpose, tenantId: '', rowId: '' });

/** Something of ours that a client keeps for us and brings back: sealed, so that it reads and changes nothing of it. */
export function handOut<P extends Purpose>(keyring: Keyring, purpose: P, value: Contents[P], expiresAt: Date): string {
  return seal(keyring, cellOf(purpose), JSON.stringify({ value, expiresAt: expiresAt.getTime() }));
}

/** What was handed out for this purpose, while it is good; else undefined. */
export function takeBack<P extends Purpose>(
  keyring: Keyring,
  purpose: P,
  text: string,
  now: Date,
): Contents[P] | undefined {
  try {
    const { value, expiresAt } = JSON.parse(open(keyring, cellOf(purpose), text)) as {
      value: Contents[P];
      expiresAt: number;
    };
    return now.getTime() < expiresAt ? value : undefined;
  } catch (error) {
    if (error instanceof SealError) return undefined;
    throw error;
  }
}
