import { inTenant } from '../../prisma/client.ts';
import { expect } from '../../test/fixtures.ts';
import { approveTemplate, connectNumber, runCampaign, test } from '../../test/sending.ts';
import { adoptPhones } from './adopt-phones.ts';
import { matchKeyOf } from './phone.ts';

test('a phone is written as WhatsApp knows it from the first message on, and never becomes another phone', async ({
  db,
  shop,
  simulators,
}) => {
  const { tenantId } = shop;
  const number = await connectNumber(db, simulators, tenantId);
  await runCampaign(db, number, await approveTemplate(db, simulators, number), { people: 2 });
  const phones = await inTenant(db, tenantId, async (tx) => {
    const [one, other] = await tx.message.findMany({
      where: { tenantId },
      orderBy: { id: 'asc' },
      select: { id: true, address: true },
    });
    for (const message of [one, other]) {
      const where = { tenantId, value: message?.address ?? '' };
      await tx.contactIdentity.updateMany({ where, data: { matchKey: matchKeyOf(message?.address ?? '') } });
    }
    const without9 = (one?.address ?? '').slice(1).replace(/^55119/, '5511');
    await adoptPhones(tx, tenantId, [
      { messageId: one?.id ?? '', waId: without9 },
      { messageId: other?.id ?? '', waId: '5511988887777' },
    ]);
    const values = await tx.contactIdentity.findMany({
      where: { tenantId },
      orderBy: { contactId: 'asc' },
      select: { value: true },
    });
    return {
      values: values.map(({ value }) => value).toSorted(),
      expected: [`+${without9}`, other?.address ?? ''].toSorted(),
    };
  });
  expect(phones.values).toEqual(phones.expected);
});
