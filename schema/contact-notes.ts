import { createNote, deleteNote, updateNote } from '../domain/contacts/notes.ts';
import { ForbiddenError } from '../domain/errors.ts';
import { builder } from './builder.ts';
import { ContactNote, visibleNote } from './contacts.ts';
import { Deleted } from './deleted.ts';
import { rowId } from './node.ts';
import { idempotencyKey, selection, write, writeErrors } from './write.ts';

const body = 'The text, 1 to 10,000 characters; line breaks are kept.';

const ContactNoteCreateInput = builder.inputType('ContactNoteCreateInput', {
  description: 'A new note.',
  fields: (t) => ({
    contactId: t.id({ required: true, description: 'Whom it is about.' }),
    body: t.string({ required: true, description: body }),
    ...idempotencyKey(t),
  }),
});

const ContactNoteUpdateInput = builder.inputType('ContactNoteUpdateInput', {
  description: 'A note’s new text.',
  fields: (t) => ({
    noteId: t.id({ required: true, description: 'Which note.' }),
    body: t.string({ required: true, description: body }),
    ...idempotencyKey(t),
  }),
});

const ContactNoteDeleteInput = builder.inputType('ContactNoteDeleteInput', {
  description: 'The note to delete.',
  fields: (t) => ({ noteId: t.id({ required: true, description: 'Which note.' }), ...idempotencyKey(t) }),
});

builder.mutationFields((t) => ({
  contactNoteCreate: t.field({
    type: ContactNote,
    nullable: true,
    description: 'Writes down a note about a contact, in your name.',
    authScopes: { may: 'contacts.write' },
    errors: { types: writeErrors },
    args: { input: t.arg({ type: ContactNoteCreateInput, required: true, description: 'The note.' }) },
    resolve: (_root, { input }, ctx, info) => {
      const contactId = rowId('Contact', input.contactId);
      return write(
        ctx,
        info,
        input,
        (tx, viewer) => createNote(tx, viewer, { contactId, body: input.body }),
        ({ id }) =>
          ctx.tx.contactNote.findUnique({ ...selection(ctx, info, 'ContactNote'), where: visibleNote(id, ctx) }),
      );
    },
  }),
  contactNoteUpdate: t.field({
    type: ContactNote,
    nullable: true,
    description: 'Changes the text of a note that you wrote.',
    authScopes: { may: 'contacts.write' },
    errors: { types: [...writeErrors, ForbiddenError] },
    args: { input: t.arg({ type: ContactNoteUpdateInput, required: true, description: 'The note and its text.' }) },
    resolve: (_root, { input }, ctx, info) => {
      const noteId = rowId('ContactNote', input.noteId);
      return write(
        ctx,
        info,
        input,
        (tx, viewer) => updateNote(tx, viewer, noteId, { body: input.body }),
        ({ id }) =>
          ctx.tx.contactNote.findUnique({ ...selection(ctx, info, 'ContactNote'), where: visibleNote(id, ctx) }),
      );
    },
  }),
  contactNoteDelete: t.field({
    type: Deleted,
    nullable: true,
    description: 'Deletes a note: one that you wrote, or any, if you manage the tenant.',
    authScopes: { may: 'contacts.write' },
    errors: { types: [...writeErrors, ForbiddenError] },
    args: { input: t.arg({ type: ContactNoteDeleteInput, required: true, description: 'The note.' }) },
    resolve: (_root, { input }, ctx, info) => {
      const noteId = rowId('ContactNote', input.noteId);
      return write(
        ctx,
        info,
        input,
        (tx, viewer) => deleteNote(tx, viewer, noteId),
        async () => ({ id: input.noteId }),
      );
    },
  }),
}));
