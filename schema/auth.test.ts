import { expect, test } from '../test/fixtures.ts';

test('a sign-up signs its owner in', async ({ shop }) => {
  const answer = await shop.graphql('{ viewer { user { id name email } tenant { id name locale country } role } }');
  expect(answer).toMatchObject({
    data: {
      viewer: {
        user: { name: 'Olga Owner', email: shop.email },
        tenant: { name: 'Shop 1', locale: 'pt-BR', country: 'BR' },
        role: 'OWNER',
      },
    },
  });
});
