import { inTenant } from '../prisma/client.ts';
import { suppressionKeys, withdrawSuppressed } from '../domain/contacts/suppression.ts';
import { mutate, newContact, readContact, wholeContact } from '../test/ask.ts';
import { describe, expect, type Person, rawId, test } from '../test/fixtures.ts';

const whole = `... on Contact { ${wholeContact} }`;
const consent = { purpose: 'MARKETING', channel: 'WHATSAPP', granted: true, source: 'PERSON' };
const say = (shop: Person, contactId: string, what: object = {}) =>
  mutate(shop, 'contactConsentSet', { contactId, ...consent, ...what }, whole);

test('consents are set, read with their history, and a grant after a withdrawal is refused', async ({ shop }) => {
  const contactId = await newContact(shop, { name: 'Ana' });
  const before = await readContact(shop, contactId);
  await say(shop, contactId, { source: 'API', proof: 'shop sign-up', givenAt: '2026-01-02T03:04:05.678Z' });
  const withdrawn = await say(shop, contactId, { granted: false, proof: 'said STOP' });
  expect(Date.parse(withdrawn['updatedAt'])).toBeGreaterThan(Date.parse(before?.['updatedAt']));
  for (const source of ['API', 'IMPORT', 'OPERATOR']) {
    expect(await say(shop, contactId, { source })).toEqual({
      __typename: 'ConsentWithdrawnError',
      code: 'CONSENT_WITHDRAWN',
      message: expect.any(String),
    });
  }
  expect(await readContact(shop, contactId)).toEqual({ ...withdrawn, __typename: undefined });
  const again = await say(shop, contactId, { proof: 'came back' });
  expect(again['consents']).toEqual([{ ...consent, givenAt: expect.any(String) }]);
  expect(again['consentHistory'].nodes).toMatchObject([
    { granted: true, source: 'PERSON', proof: 'came back' },
    { granted: false, source: 'PERSON', proof: 'said STOP' },
    { granted: true, source: 'API', proof: 'shop sign-up', givenAt: '2026-01-02T03:04:05.678Z' },
  ]);
});

test('a consent that cannot be is refused', async ({ shop }) => {
  const contactId = await newContact(shop, { name: 'Ana' });
  for (const [what, path] of [
    [{ source: 'MERGE' }, 'source'],
    [{ source: 'SUPPRESSION' }, 'source'],
    [{ proof: 'x'.repeat(2_001) }, 'proof'],
    [{ givenAt: '2999-01-01T00:00:00Z' }, 'givenAt'],
  ] as const) {
    expect(await say(shop, contactId, what)).toMatchObject({ __typename: 'InvalidInputError', fields: [{ path }] });
  }
  expect(await readContact(shop, contactId)).toMatchObject({ consents: [], consentHistory: { nodes: [] } });
});

test('a repeated request is one entry in the ledger', async ({ shop }) => {
  const contactId = await newContact(shop, { name: 'Ana' });
  await say(shop, contactId, { idempotencyKey: 'k' });
  await say(shop, contactId, { idempotencyKey: 'k' });
  expect((await readContact(shop, contactId))?.['consentHistory'].nodes).toHaveLength(1);
});

describe('somebody who was deleted', () => {
  const person = {
    name: 'Ana',
    phone: '+5511987654321',
    email: 'ana@example.com',
    externalId: 'K1',
    identities: [{ kind: 'SHOPEE_BUYER', value: '9' }],
  };
  const forget = async (shop: Person, input: object = person) =>
    mutate(shop, 'contactDelete', { contactId: await newContact(shop, { ...input, consents: [consent] }) });
  const granted = (contact: { consents: { granted: boolean }[] }) => contact.consents.some((one) => one.granted);

  test.for<[string, object]>([
    ['the phone in another spelling', { phone: '(11) 8765-4321' }],
    ['the e-mail address', { email: 'ANA@example.com' }],
    ['the external id', { externalId: 'K1' }],
    ['another identity', { identities: [{ kind: 'SHOPEE_BUYER', value: '9' }] }],
  ])('comes back withdrawn, known by %s', async ([, input], { shop }) => {
    await forget(shop);
    const back = await mutate(
      shop,
      'contactCreate',
      { name: 'A', ...input, consents: [{ ...consent, source: 'IMPORT' }] },
      whole,
    );
    expect(granted(back as never)).toBe(false);
    expect(back['consents']).toContainEqual({
      ...consent,
      granted: false,
      source: 'SUPPRESSION',
      givenAt: expect.any(String),
    });
    expect(await say(shop, back['id'], { source: 'API' })).toMatchObject({ code: 'CONSENT_WITHDRAWN' });
    expect(await say(shop, back['id'], { channel: 'SMS', source: 'OPERATOR' })).toMatchObject({
      code: 'CONSENT_WITHDRAWN',
    });
  });

  test('comes back consented by an own act only, and that is remembered', async ({ shop }) => {
    await forget(shop);
    const back = await mutate(
      shop,
      'contactCreate',
      { ...person, consents: [{ ...consent, proof: 'new form' }] },
      whole,
    );
    expect(granted(back as never)).toBe(true);
    await mutate(shop, 'contactUpdate', { contactId: back['id'], phone: null });
    const contact = await mutate(shop, 'contactUpdate', { contactId: back['id'], phone: '+5511987654321' }, whole);
    expect(granted(contact as never)).toBe(true); // the number was freed by the person’s own act
    expect(await say(shop, back['id'], { channel: 'EMAIL' })).toMatchObject({ __typename: 'Contact' });
  });

  test('is known again when a contact gets the number later', async ({ shop }) => {
    await forget(shop);
    const contactId = await newContact(shop, { name: 'B', consents: [{ ...consent, source: 'API' }] });
    const contact = await mutate(shop, 'contactUpdate', { contactId, phone: '+5511987654321' }, whole);
    expect(granted(contact as never)).toBe(false);
    const upserted = await mutate(
      shop,
      'contactUpsert',
      { externalId: 'K1', consents: [{ ...consent, source: 'API' }] },
      whole,
    );
    expect(granted(upserted as never)).toBe(false);
  });

  test('is not withdrawn where the person has said otherwise since, known by something else', async ({ shop }) => {
    const before = await newContact(shop, { name: 'Before', consents: [consent] });
    await forget(shop);
    const after = await newContact(shop, {
      name: 'After',
      consents: [consent, { ...consent, channel: 'SMS', source: 'API' }],
    });
    const contact = await mutate(shop, 'contactUpdate', { contactId: after, phone: '+5511987654321' }, whole);
    expect(contact['consents']).toMatchObject([
      { channel: 'EMAIL', granted: false },
      { channel: 'SMS', granted: false },
      { channel: 'WHATSAPP', granted: true },
    ]);
    const older = await mutate(shop, 'contactUpdate', { contactId: before, email: 'ana@example.com' }, whole);
    expect(granted(older as never)).toBe(false);
  });

  test('takes along what was merged into the contact, and everything that hangs on it', async ({ shop, db }) => {
    const source = await newContact(shop, {
      name: 'Source',
      phone: '+5511911111111',
      externalId: 'S1',
      email: 's@example.com',
    });
    const target = await newContact(shop, { name: 'Target', phone: '+5511922222222', consents: [consent] });
    await mutate(shop, 'contactNoteCreate', { contactId: source, body: 'note' });
    await mutate(shop, 'contactMerge', { sourceId: source, targetId: target });
    await mutate(shop, 'contactDelete', { contactId: target });
    const left = await inTenant(db, shop.tenantId, async (tx) => [
      await tx.contact.count(),
      await tx.contactIdentity.count(),
      await tx.contactNote.count(),
      await tx.contactMerge.count(),
      await tx.consentEntry.count(),
      await tx.contactConsent.count(),
    ]);
    expect(left).toEqual([0, 0, 0, 0, 0, 0]);
    for (const input of [
      { phone: '+5511911111111' },
      { externalId: 'S1' },
      { email: 's@example.com' },
      { phone: '+5511922222222' },
    ]) {
      const back = await mutate(shop, 'contactCreate', { ...input, consents: [{ ...consent, source: 'API' }] }, whole);
      expect(granted(back as never), JSON.stringify(input)).toBe(false);
    }
  });

  test('is forgotten but for hashes that mean nothing elsewhere', async ({ shop, signUp, db }) => {
    const other = await signUp('Other');
    await forget(shop);
    await forget(other);
    const hashes = async ({ tenantId }: Person) =>
      inTenant(db, tenantId, async (tx) =>
        (await tx.contactSuppression.findMany({ select: { hash: true } })).map(({ hash }) =>
          Buffer.from(hash).toString('hex'),
        ),
      );
    const [ours, theirs] = [await hashes(shop), await hashes(other)];
    expect(ours).toHaveLength(4);
    expect(theirs.filter((hash) => ours.includes(hash))).toEqual([]);
  });

  test('is another tenant’s contact as if nothing had been', async ({ shop, signUp }) => {
    await forget(shop);
    const other = await signUp('Other');
    const contact = await mutate(
      other,
      'contactCreate',
      { ...person, consents: [{ ...consent, source: 'IMPORT' }] },
      whole,
    );
    expect(granted(contact as never)).toBe(true);
  });

  test('is found among many at once', async ({ shop, db }) => {
    await forget(shop);
    const { tenantId } = shop;
    const ids = await Promise.all(['A', 'B', 'C'].map(async (name) => rawId(await newContact(shop, { name }))));
    const withdrawn = await inTenant(db, tenantId, (tx) =>
      withdrawSuppressed(
        tx,
        tenantId,
        ids.map((contactId, index) => ({
          contactId,
          keys: suppressionKeys({
            identities: [{ kind: 'PHONE', matchKey: index === 1 ? '+551187654321' : `+${index}` }],
          }),
        })),
        ['SERVICE'],
      ),
    );
    expect([...withdrawn]).toEqual([ids[1]]);
    const rows = await inTenant(db, tenantId, (tx) => tx.contactConsent.findMany({ where: { tenantId } }));
    expect(rows.filter(({ contactId, granted }) => contactId === ids[1] && !granted)).toHaveLength(6); // both purposes, three channels
    expect(rows).toHaveLength(6);
  });
});
