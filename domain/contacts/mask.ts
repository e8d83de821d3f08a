/** The last four digits: enough to tell two numbers apart and to check one with the person. */
export function maskPhone(phone: string): string {
  return `•••${phone.slice(-4)}`;
}

/** The first letter, and the last part of the domain. */
export function maskEmail(email: string): string {
  const [letter = ''] = email;
  return `${letter}•••@•••${email.slice(email.lastIndexOf('.'))}`;
}

/** A text that is a telephone number or an e-mail address as a whole, masked as such; any other as it is. */
export function maskWhole(text: string): string {
  if (/^\+\d{5,18}$/.test(text)) return maskPhone(text);
  return /^\S+@\S+\.\S+$/.test(text) ? maskEmail(text) : text;
}
