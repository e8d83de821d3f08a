import type { Json } from '../json.ts';
import { bsuidOf } from './identity.ts';
import type { PhoneNumber, User } from './world.ts';

/** Beyond ASCII, in both directions and with what JSON escapes: a signature must survive them. */
const names = ['Ana Souza', 'José Ümit', 'Zoë ☕', 'אבי כהן', 'Nur Aisyah', 'محمد', 'Jane/John "JJ" 👩‍🚀'];

export function nameOf(user: User): string {
  return user.name || (names[Number(user.digits.slice(-4)) % names.length] ?? '');
}

/** A person as `contacts[]` shows them. */
export function contactOf(number: PhoneNumber, user: User): Json {
  return {
    profile: { name: nameOf(user), ...(user.username === undefined ? {} : { username: user.username }) },
    ...(user.isPhoneHidden ? {} : { wa_id: user.digits }),
    user_id: bsuidOf(user.digits, number.waba.portfolio.id),
  };
}
