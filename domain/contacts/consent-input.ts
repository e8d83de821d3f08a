import { problems } from '../errors.ts';
import {
  type ConsentChannel,
  type ConsentEntry,
  type ConsentPurpose,
  type ConsentSource,
  proofLengthMax,
} from './consent.ts';
import { checkLongText } from './text.ts';

/** What a client says about a consent. */
export type ConsentInput = {
  purpose: ConsentPurpose;
  channel: ConsentChannel;
  granted: boolean;
  source: ConsentSource;
  proof?: string | null | undefined;
  givenAt?: Date | null | undefined;
};

/** How far another machine's clock may run ahead of ours. */
const clockToleranceMs = 5 * 60_000;
const consentsMax = 20;

/** Checks consents that a client gives for one contact; `prefix` says where they stand in the input. */
export function checkConsents(
  inputs: readonly ConsentInput[],
  now: Date,
  prefix: (index: number) => string,
): Omit<ConsentEntry, 'contactId'>[] {
  const found = problems();
  if (inputs.length > consentsMax) found.add('consents', `Expected at most ${consentsMax} consents.`);
  const checked = inputs.slice(0, consentsMax).map((input, index) => {
    const { purpose, channel, granted, source } = input;
    const at = prefix(index);
    const proof = checkLongText(input.proof ?? '', proofLengthMax);
    if (proof.problem) found.add(`${at}proof`, `${proof.problem.message} Expected ${proof.problem.expected}.`);
    if (source === 'MERGE' || source === 'SUPPRESSION') {
      found.add(`${at}source`, 'Expected PERSON, OPERATOR, API or IMPORT; the others are ours to write.');
    }
    const givenAt = input.givenAt ?? now;
    if (givenAt.getTime() > now.getTime() + clockToleranceMs || givenAt.getTime() < 0) {
      found.add(`${at}givenAt`, 'Expected a time that is not in the future.');
    }
    return { purpose, channel, granted, source, proof: proof.value ?? null, givenAt: givenAt > now ? now : givenAt };
  });
  found.throwIfAny();
  return checked;
}
