import type { Tx } from '../../prisma/client.ts';
import { recordAudit } from '../audit/record-audit.ts';
import { ForbiddenError, InvalidInputError, NotFoundError } from '../errors.ts';
import { may, type Viewer } from '../auth/viewer.ts';
import { noteLengthMax } from './contact-fields.ts';
import { lockContact } from './lock-contact.ts';
import { checkLongText } from './text.ts';

/** Writes down something about a contact, in the caller's name. */
export async function createNote(
  tx: Tx,
  { tenantId, actor }: Viewer,
  input: { contactId: string; body: string },
): Promise<{ id: string }> {
  const body = readBody(input.body);
  await lockContact(tx, tenantId, input.contactId);
  const author =
    actor.type === 'PERSON' ? await tx.user.findUnique({ where: { id: actor.id }, select: { name: true } }) : null;
  return tx.contactNote.create({
    data: { tenantId, contactId: input.contactId, body, authorId: actor.id, authorName: author?.name ?? null },
    select: { id: true },
  });
}

/** Changes a note; only who wrote it may put other words into it. */
export async function updateNote(
  tx: Tx,
  viewer: Viewer,
  noteId: string,
  input: { body: string },
): Promise<{ id: string }> {
  const body = readBody(input.body);
  const note = await findNote(tx, viewer.tenantId, noteId);
  if (note.authorId !== viewer.actor.id) throw new ForbiddenError('Only its author may change a note.');
  await tx.$executeRaw`
    update contact_notes set body = ${body}, updated_at = clock_timestamp() where tenant_id = ${viewer.tenantId}::uuid and id = ${noteId}::uuid`;
  return { id: noteId };
}

/** Deletes a note: its author may, and whoever manages the tenant. */
export async function deleteNote(tx: Tx, viewer: Viewer, noteId: string): Promise<{ id: string }> {
  const note = await findNote(tx, viewer.tenantId, noteId);
  if (note.authorId !== viewer.actor.id && !may(viewer, 'contacts.delete')) {
    throw new ForbiddenError('Only its author or a manager may delete a note.');
  }
  await tx.contactNote.deleteMany({ where: { tenantId: viewer.tenantId, id: noteId } });
  const { contactId, authorId } = note;
  await recordAudit(tx, viewer, {
    action: 'contactNote.delete',
    target: { type: 'ContactNote', id: noteId },
    before: { contactId, authorId },
  });
  return { id: noteId };
}

async function findNote(
  tx: Tx,
  tenantId: string,
  noteId: string,
): Promise<{ contactId: string; authorId: string | null }> {
  const note = await tx.contactNote.findUnique({
    where: { tenantId_id: { tenantId, id: noteId }, contact: { is: { tenantId } } }, // whom the caller sees
    select: { contactId: true, authorId: true },
  });
  if (!note) throw new NotFoundError('There is no such note.');
  return note;
}

function readBody(raw: string): string {
  const { value, problem } = checkLongText(raw, noteLengthMax);
  if (value) return value;
  throw new InvalidInputError([
    { path: 'body', message: problem ? `${problem.message} Expected ${problem.expected}.` : 'Expected a text.' },
  ]);
}
