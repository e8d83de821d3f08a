import { mergeContacts } from '../domain/contacts/merge-contacts.ts';
import { unmergeContact } from '../domain/contacts/unmerge-contact.ts';
import { builder } from './builder.ts';
import { contactAnswer } from './contact-answer.ts';
import { Contact } from './contacts.ts';
import { rowId } from './node.ts';
import { idempotencyKey, write, writeErrors } from './write.ts';

const ContactMergeInput = builder.inputType('ContactMergeInput', {
  description: 'Two contacts that are one person.',
  fields: (t) => ({
    sourceId: t.id({ required: true, description: 'The contact that goes into the other one.' }),
    targetId: t.id({ required: true, description: 'The contact that stays.' }),
    ...idempotencyKey(t),
  }),
});

const ContactUnmergeInput = builder.inputType('ContactUnmergeInput', {
  description: 'A contact that was merged by mistake.',
  fields: (t) => ({
    contactId: t.id({ required: true, description: 'The contact that was the source of the merge: see `merged`.' }),
    ...idempotencyKey(t),
  }),
});

builder.mutationFields((t) => ({
  contactMerge: t.field({
    type: Contact,
    nullable: true,
    description:
      'Makes one contact of two and answers with it. Identities, tags and notes go to the target, what is empty in it is filled, and the stricter consent wins. `contactUnmerge` takes it back.',
    authScopes: { may: 'contacts.write' },
    errors: { types: writeErrors },
    args: { input: t.arg({ type: ContactMergeInput, required: true, description: 'The two contacts.' }) },
    resolve: (_root, { input }, ctx, info) => {
      const pair = { sourceId: rowId('Contact', input.sourceId), targetId: rowId('Contact', input.targetId) };
      return write(ctx, info, input, (tx, viewer) => mergeContacts(tx, viewer, pair), contactAnswer(ctx, info));
    },
  }),
  contactUnmerge: t.field({
    type: Contact,
    nullable: true,
    description:
      'Takes a merge back and answers with the contact that is there again, with everything it had brought. What was changed in the other one since stays there.',
    authScopes: { may: 'contacts.write' },
    errors: { types: writeErrors },
    args: { input: t.arg({ type: ContactUnmergeInput, required: true, description: 'The contact.' }) },
    resolve: (_root, { input }, ctx, info) => {
      const contactId = rowId('Contact', input.contactId);
      return write(ctx, info, input, (tx, viewer) => unmergeContact(tx, viewer, contactId), contactAnswer(ctx, info));
    },
  }),
}));
