import { setConsent } from '../domain/contacts/set-consent.ts';
import { ConsentWithdrawnError } from '../domain/errors.ts';
import { builder, type InputFields } from './builder.ts';
import { ConsentChannel, ConsentPurpose, ConsentSource } from './consents.ts';
import { contactAnswer } from './contact-answer.ts';
import { Contact } from './contacts.ts';
import { rowId } from './node.ts';
import { idempotencyKey, write, writeErrors } from './write.ts';

const consentFields = (t: InputFields) => ({
  purpose: t.field({ type: ConsentPurpose, required: true, description: 'What about.' }),
  channel: t.field({ type: ConsentChannel, required: true, description: 'Where.' }),
  granted: t.boolean({ required: true, description: 'Granted, or withdrawn.' }),
  source: t.field({
    type: ConsentSource,
    required: true,
    description: 'Who says so: `PERSON`, `OPERATOR`, `API` or `IMPORT`; the others are Parley’s own.',
  }),
  proof: t.string({
    description: 'What shows it: a form’s name and version, a message’s id, a link; at most 2,000 characters.',
  }),
  givenAt: t.field({ type: 'DateTime', description: 'When the person said so; now, if left out.' }),
});

export const ConsentInput = builder.inputType('ConsentInput', {
  description: 'A consent, given or taken back.',
  fields: consentFields,
});

const ContactConsentSetInput = builder.inputType('ContactConsentSetInput', {
  description: 'A consent of a contact, given or taken back.',
  fields: (t) => ({
    contactId: t.id({ required: true, description: 'Whose.' }),
    ...consentFields(t),
    ...idempotencyKey(t),
  }),
});

builder.mutationField('contactConsentSet', (t) =>
  t.field({
    type: Contact,
    nullable: true,
    description:
      'Records a consent in the ledger. Who withdrew can be granted again only by an own act (`PERSON`) after that; any other grant is refused.',
    authScopes: { may: 'contacts.write' },
    errors: { types: [...writeErrors, ConsentWithdrawnError] },
    args: { input: t.arg({ type: ContactConsentSetInput, required: true, description: 'The consent.' }) },
    resolve: (_root, { input }, ctx, info) => {
      const contactId = rowId('Contact', input.contactId);
      return write(
        ctx,
        info,
        input,
        (tx, viewer) => setConsent(tx, viewer, contactId, input, ctx.services.now()),
        contactAnswer(ctx, info),
      );
    },
  }),
);
