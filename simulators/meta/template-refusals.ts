import { refuse, type Refusal } from './errors.ts';

/** A refusal of template management: code 100, a subcode, and words for people. */
export function invalid(subcode: number, title: string, message: string): Refusal {
  return refuse(100, message, { subcode, userTitle: title, userMessage: message });
}

export function tooLong(what: string, text: string | undefined, max: number): Refusal | undefined {
  return text !== undefined && text.length > max
    ? invalid(
        2_388_040,
        'Character limit exceeded',
        `The ${what} has ${text.length} characters; at most ${max} are allowed.`,
      )
    : undefined;
}

export const missingExample = (part: string) =>
  invalid(2_388_043, 'Missing example', `The component ${part} is missing expected field(s) (example).`);
