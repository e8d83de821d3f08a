import { reasonLengthMax, revealContact } from '../domain/contacts/reveal-contact.ts';
import { builder } from './builder.ts';
import { contactAnswer } from './contact-answer.ts';
import { Contact } from './contacts.ts';
import { reveal } from './masking.ts';
import { rowId } from './node.ts';
import { idempotencyKey, write, writeErrors } from './write.ts';

const ContactRevealInput = builder.inputType('ContactRevealInput', {
  description: 'A contact to be seen as it is, and why.',
  fields: (t) => ({
    contactId: t.id({ required: true, description: 'Whom.' }),
    reason: t.string({
      required: true,
      description: `What for, for the audit log; 1 to ${reasonLengthMax} characters.`,
    }),
    ...idempotencyKey(t),
  }),
});

builder.mutationField('contactReveal', (t) =>
  t.field({
    type: Contact,
    nullable: true,
    description:
      'Answers with a contact as it is, also where the tenant keeps telephone numbers and e-mail addresses from the caller (`maskForSellers`): in this one answer. It is written into the audit log. A repeat with the same `idempotencyKey` is masked again.',
    authScopes: { may: 'contacts.reveal' },
    errors: { types: writeErrors },
    args: { input: t.arg({ type: ContactRevealInput, required: true, description: 'Whom, and why.' }) },
    resolve: (_root, { input }, ctx, info) => {
      const contactId = rowId('Contact', input.contactId);
      return write(
        ctx,
        info,
        input,
        (tx, viewer) => revealContact(tx, viewer, { contactId, reason: input.reason }),
        (outcome, isReplay) => {
          if (!isReplay) reveal(ctx, outcome.id);
          return contactAnswer(ctx, info)(outcome);
        },
      );
    },
  }),
);
