import { expect, type Person, test } from '../test/fixtures.ts';

const profile = {
  name: 'Casa Nova',
  legalName: 'Casa Nova Comércio Ltda.',
  taxId: '12.345.678/0001-95',
  registrationId: '35.2.1234567-8',
  industry: 'Shoes',
  companySize: '11-50',
  phone: '+551132345678',
  street: 'Rua Augusta, 1000',
  city: 'São Paulo',
  region: 'SP',
  postalCode: '01304-001',
  country: 'BR',
  timeZone: 'America/Sao_Paulo',
  locale: 'pt-BR',
};
const fields = Object.keys(profile).join(' ');

async function update(shop: Person, input: Record<string, unknown>) {
  const answer = await shop.graphql(
    `mutation ($input: TenantUpdateInput!) { tenantUpdate(input: $input) { __typename
      ... on Tenant { ${fields} } ... on InvalidInputError { fields { path message } } } }`,
    { input },
  );
  expect(answer.errors).toBeUndefined();
  return answer.data['tenantUpdate'];
}

const read = async (shop: Person) => (await shop.graphql(`{ tenant { ${fields} } }`)).data['tenant'];

test('a profile is kept as it was given, in its usual form', async ({ shop }) => {
  const written = await update(shop, {
    ...profile,
    name: '  Casa Nova ',
    phone: '(11) 3234-5678', // local numbers are of the profile's country
    locale: 'PT-br',
  });
  expect(written).toEqual({ __typename: 'Tenant', ...profile });
  expect(await read(shop)).toEqual(profile);
});

test('what is left out stays, and null or nothing clears what may be empty', async ({ shop }) => {
  await update(shop, profile);
  expect(await update(shop, { industry: 'Hats' })).toMatchObject({ ...profile, industry: 'Hats' });
  await update(shop, { industry: null, phone: null, city: '  ' });
  expect(await read(shop)).toEqual({ ...profile, industry: null, phone: null, city: null });
});

test('a profile that is wrong changes nothing, and everything wrong is said', async ({ shop }) => {
  const before = await read(shop);
  const refused = await update(shop, {
    name: ' ',
    country: 'ZZ',
    timeZone: '+03:00',
    locale: 'not a locale',
    phone: '123',
    legalName: 'x'.repeat(201),
    industry: 'Hats',
  });
  const paths = refused.fields.map(({ path }: { path: string }) => path);
  expect(paths.toSorted()).toEqual(['country', 'legalName', 'locale', 'name', 'phone', 'timeZone']);
  for (const required of ['name', 'country', 'timeZone', 'locale']) {
    expect(await update(shop, { [required]: null })).toMatchObject({ fields: [{ path: required }] });
  }
  expect(await read(shop)).toEqual(before);
});

test('a phone is read with the country that the same request sets', async ({ shop }) => {
  expect(await update(shop, { country: 'TR', phone: '0532 123 45 67' })).toMatchObject({ phone: '+905321234567' });
});

test('a tenant changes itself and no other', async ({ signUp }) => {
  const [ana, bea] = [await signUp('Ana’s'), await signUp('Bea’s')];
  await update(ana, { name: 'Renamed' });
  expect(await read(bea)).toMatchObject({ name: 'Bea’s' });
});

test('sending again what nobody knows the fate of is off until the tenant wants it', async ({ shop }) => {
  const resends = async () => (await shop.graphql('{ tenant { resendUnknown } }')).data['tenant'].resendUnknown;
  expect(await resends()).toBe(false);
  await update(shop, { resendUnknown: true });
  expect(await resends()).toBe(true);
  expect(await update(shop, { resendUnknown: null })).toMatchObject({ fields: [{ path: 'resendUnknown' }] });
  expect(await resends()).toBe(true);
});
