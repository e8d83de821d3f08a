import { askFor, refusalOf, tally } from '../test/ask.ts';
import { expect, test } from '../test/fixtures.ts';

const minuteMs = 60_000;

test('a fresh proof counts at once, in the very same operation', async ({ shop, clock }) => {
  clock.advance(6 * minuteMs);
  const answer = await shop.graphql(
    `mutation ($password: String!) {
      sessionConfirm(input: { password: $password }) { __typename }
      totpBegin(input: {}) { __typename }
    }`,
    { password: shop.password },
  );
  expect(answer.data).toEqual({
    sessionConfirm: { __typename: 'SessionConfirmed' },
    totpBegin: { __typename: 'TotpSetup' },
  });
});

test('five wrong proofs end the session, at the same moment too, and no other session', async ({ api, shop }) => {
  const { email, password } = shop;
  const other = await askFor(api, 'signIn', { email, password }, '... on Session { accessToken }');
  const prove = (given: string) =>
    shop.graphql(`mutation ($given: String!) { sessionConfirm(input: { password: $given }) { __typename } }`, {
      given,
    });
  const wrong = await Promise.all(Array.from({ length: 8 }, () => prove('not the password')));
  const answers = wrong.flatMap(({ data }) => (data?.['sessionConfirm'] ? [data['sessionConfirm']] : []));
  expect(Object.keys(tally(answers)).toSorted()).toEqual(['InvalidCredentialsError', 'SessionEndedError']);
  expect((await prove(password)).errors?.[0]?.extensions['code']).toBe('UNAUTHENTICATED');
  expect(await refusalOf(shop, '{ tenant { id } }')).toBe('UNAUTHENTICATED');
  expect((await api.graphql('{ tenant { id } }', {}, other['accessToken'])).errors).toBeUndefined();
});
