import { type Db, inTenant, type Prisma } from '../prisma/client.ts';

/** A tenant without people, for tests below the API. */
export async function makeTenant(db: Db, tenantId: string = crypto.randomUUID()): Promise<string> {
  const data = { id: tenantId, name: 'Shop', country: 'BR', timeZone: 'America/Sao_Paulo', locale: 'pt-BR' };
  await inTenant(db, tenantId, (tx) => tx.tenant.create({ data }));
  return tenantId;
}

export type NewContact = Omit<
  Prisma.ContactUncheckedCreateInput,
  'tenantId' | 'id' | 'identities' | 'tags' | 'consents'
> & {
  phones?: { value: string; matchKey: string }[];
  tagIds?: string[];
};

/** A contact with its phones and tags, written straight into the tables. */
export async function makeContact(db: Db, tenantId: string, contact: NewContact = {}): Promise<string> {
  const { phones = [], tagIds = [], ...data } = contact;
  return inTenant(db, tenantId, async (tx) => {
    const { id: contactId } = await tx.contact.create({ data: { ...data, tenantId } });
    await tx.contactIdentity.createMany({
      data: phones.map((phone) => ({ ...phone, tenantId, contactId, kind: 'PHONE' })),
    });
    await tx.contactTag.createMany({ data: tagIds.map((tagId) => ({ tenantId, contactId, tagId })) });
    return contactId;
  });
}

export async function makeTag(db: Db, tenantId: string, name: string): Promise<string> {
  const data = { tenantId, name, nameKey: name.toLowerCase() };
  const { id } = await inTenant(db, tenantId, (tx) => tx.tag.create({ data }));
  return id;
}
