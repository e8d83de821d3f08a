import { inTenant } from '../../prisma/client.ts';
import { mutate, newContact, readContact } from '../../test/ask.ts';
import { eventually, test } from '../../test/fleet/fleet.ts';
import { expect } from '../../test/fixtures.ts';

test('the values of a deleted field are gone at once for everybody, and cleared in the background', async ({
  shop,
  db,
  fleet,
  queue,
}) => {
  const { tenantId } = shop;
  const field = await mutate(shop, 'customFieldCreate', { key: 'size', type: 'TEXT' }, '... on CustomField { id }');
  await inTenant(
    db,
    tenantId,
    (tx) => tx.$executeRaw`
      insert into contacts (tenant_id, custom_fields)
      select ${tenantId}::uuid, jsonb_build_object('size', 'M', 'kept', n) from generate_series(1, 12000) n`,
  );
  const last = await newContact(shop, { name: 'Last', customFields: [{ key: 'size', value: 'L' }] });
  await mutate(shop, 'customFieldDelete', { customFieldId: field['id'] });

  expect(await readContact(shop, last)).toMatchObject({ customFields: [] });
  expect((await shop.graphql('{ customFields { key } }')).data['customFields']).toEqual([]);
  const late = { name: 'Late', customFields: [{ key: 'size', value: 'S' }] };
  expect(await mutate(shop, 'contactCreate', late)).toMatchObject({ fields: [{ path: 'customFields.0.key' }] });
  const again = { key: 'SIZE', type: 'NUMBER' };
  expect(await mutate(shop, 'customFieldCreate', again)).toMatchObject({ __typename: 'ConflictError', path: 'key' });

  fleet.start({ main: true });
  await eventually(queue, 'select count(*)::int from graphile_worker._private_jobs', 0);
  const rows = await inTenant(
    db,
    tenantId,
    (tx) => tx.$queryRaw<unknown[]>`
      select count(*) filter (where custom_fields ? 'size')::int as holding, count(*) filter (where custom_fields ? 'kept')::int as kept,
             (select count(*)::int from custom_fields) as fields from contacts`,
  );
  expect(rows).toEqual([{ holding: 0, kept: 12_000, fields: 0 }]);
  expect(await mutate(shop, 'customFieldCreate', again)).toMatchObject({ __typename: 'CustomField' });
});
