import { expect, test } from '../fixtures.ts';

/** Asks for a known and an unknown account in turn, and gives how long each took, in ms. */
async function timed(
  samples: number,
  ask: (isKnown: boolean) => Promise<void>,
): Promise<{ known: number[]; unknown: number[] }> {
  const times = { known: [] as number[], unknown: [] as number[] };
  for (let sample = 0; sample < samples; sample += 1) {
    for (const isKnown of sample % 2 === 0 ? [true, false] : [false, true]) {
      const start = performance.now();
      await ask(isKnown);
      times[isKnown ? 'known' : 'unknown'].push(performance.now() - start);
    }
  }
  return times;
}

/** How often a time of the one is longer than a time of the other: 0.5 when nobody can tell them apart, 1 when everybody can. */
function separation({ known, unknown }: { known: number[]; unknown: number[] }): number {
  let longer = 0;
  for (const one of known) for (const other of unknown) longer += one > other ? 1 : one === other ? 0.5 : 0;
  const share = longer / (known.length * unknown.length);
  return Math.max(share, 1 - share);
}

const samples = 60;

/**
 * By chance, 60 and 60 samples of one and the same thing are further apart than this once in many millions of runs (the deviation of the share
 * is 0.053). A password hash that is left out for an account that is none puts them at 1.
 */
const tellable = 0.8;

const questions: Record<string, { query: string; input: (email: string) => object }> = {
  signIn: {
    query: 'mutation ($input: SignInInput!) { signIn(input: $input) { __typename } }',
    input: (email) => ({ email, password: 'not the password' }),
  },
  passwordResetRequest: {
    query: 'mutation ($input: PasswordResetRequestInput!) { passwordResetRequest(input: $input) { __typename } }',
    input: (email) => ({ email }),
  },
};

for (const [name, { query, input }] of Object.entries(questions)) {
  test(`whether somebody has an account shows neither in the answer to ${name} nor in its time`, async ({
    api,
    shop,
  }) => {
    const { errors } = await api.graphql(query, { input: input(shop.email) });
    if (errors?.[0]?.message.startsWith('Unknown type')) return; // not there
    const answers = new Set<string>();
    const times = await timed(samples, async (isKnown) => {
      const email = isKnown ? shop.email : `nobody-${Math.random()}@example.com`;
      const answer = await api.graphql(query, { input: input(email) });
      answers.add(JSON.stringify(answer));
    });
    expect([...answers]).toHaveLength(1);
    expect(separation(times)).toBeLessThan(tellable);
  });
}

test('the measure tells apart what differs, and not what does not', () => {
  const noise = (add: number) => Array.from({ length: samples }, (_, index) => ((index * 7_919) % 101) / 10 + add);
  expect(separation({ known: noise(0), unknown: noise(0) })).toBeLessThan(0.6);
  expect(separation({ known: noise(12), unknown: noise(0) })).toBe(1);
});
