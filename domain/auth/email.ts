import { z } from 'zod';

const lengthMax = 254; // what a mail server takes at most
const address = z.email().max(lengthMax);

export function isEmail(text: string): boolean {
  return address.safeParse(text).success;
}

/** What makes two ways of writing an address one account. */
export function emailKeyOf(email: string): string {
  return email.trim().normalize('NFKC').toLowerCase();
}
