import { clearCustomField, clearPage } from '../../domain/contacts/custom-fields.ts';
import { inTenant } from '../../prisma/client.ts';
import { task } from '../task.ts';

/** Clears the values of a deleted custom field, a page of contacts at a time. */
export const clearField = task(clearCustomField, async (place, { db }) => {
  await inTenant(db, place.tenantId, (tx) => clearPage(tx, place));
});
