import { expect, signUp, startTestApi, test } from '../fixtures.ts';

/** Asks for a known and an unknown account in turn, and gives how long each took, in ms; what came of it is seen to outside of that time. */
async function timed<Answer>(
  samples: number,
  ask: (isKnown: boolean) => Promise<Answer>,
  see: (answer: Answer) => Promise<void>,
): Promise<{ known: number[]; unknown: number[] }> {
  const times = { known: [] as number[], unknown: [] as number[] };
  for (let sample = 0; sample < samples; sample += 1) {
    for (const isKnown of sample % 2 === 0 ? [true, false] : [false, true]) {
      const start = performance.now();
      const answer = await ask(isKnown);
      times[isKnown ? 'known' : 'unknown'].push(performance.now() - start);
      await see(answer);
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

/**
 * What two times of one and the same thing are by chance further apart than once in ten million runs: 5.4 deviations of the share. A password hash
 * that is left out for an account that is none puts them at 1.
 */
const tellable = (samples: number) => 0.5 + 5.4 * Math.sqrt((2 * samples + 1) / (12 * samples ** 2));

type Question = { answer: string; input: (email: string) => object; samples: number; parts?: string };

/** What takes no hash is quick, so that more samples see less of a difference. */
const questions: Record<string, Question> = {
  signIn: {
    answer: 'InvalidCredentialsError',
    input: (email) => ({ email, password: 'not the password' }),
    samples: 40,
  },
  passwordResetRequest: { answer: 'PasswordResetRequested', input: (email) => ({ email }), samples: 100 },
  invitationCreate: {
    answer: 'Invitation',
    input: (email) => ({ email, role: 'SELLER' }),
    samples: 60,
    parts: '... on Invitation { id }',
  },
};

/** As in production: what a hash takes is what would tell. */
const services = { hashing: { memoryKib: 19_456, time: 2, parallelism: 1 }, hasMail: true };

for (const [name, { answer: expected, input, samples, parts = '' }] of Object.entries(questions)) {
  test(`whether somebody has an account shows neither in the answer to ${name} nor in its time`, async ({
    db,
    keys,
    storage,
    clock,
  }) => {
    await using api = await startTestApi({ db, keys, storage, clock, services });
    const { email: known } = await signUp(api, 'Known');
    const asking = await signUp(api, 'Asking');
    const type = `${name.charAt(0).toUpperCase()}${name.slice(1)}Input`;
    const query = `mutation ($input: ${type}!) { ${name}(input: $input) { __typename ... on UserError { code message } ${parts} } }`;
    const revoke = 'mutation ($id: ID!) { invitationRevoke(input: { invitationId: $id }) { __typename } }';
    const answers = new Set<string>();
    const ask = (isKnown: boolean) =>
      asking.graphql(query, { input: input(isKnown ? known : `nobody-${Math.random()}@example.com`) });
    const times = await timed(samples, ask, async ({ data }) => {
      const { id, ...answer } = data[name] as { id?: string };
      answers.add(JSON.stringify(answer));
      if (id !== undefined) await asking.graphql(revoke, { id }); // an address is invited once at a time
    });
    expect([...answers]).toEqual([expect.stringContaining(`"__typename":"${expected}"`)]);
    expect(separation(times)).toBeLessThan(tellable(samples));
  });
}

test('the measure tells apart what differs, and not what does not', () => {
  const noise = (add: number) => Array.from({ length: 100 }, (_, index) => ((index * 7_919) % 101) / 10 + add);
  expect(separation({ known: noise(0), unknown: noise(0) })).toBeLessThan(tellable(100));
  expect(separation({ known: noise(3), unknown: noise(0) })).toBeGreaterThan(tellable(100));
  expect(separation({ known: noise(12), unknown: noise(0) })).toBe(1);
});
