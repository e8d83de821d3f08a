import { schema } from '../../schema/index.ts';
import { expect, signUp, startTestApi, test } from '../fixtures.ts';

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

const samples = 40;

/**
 * By chance, 40 and 40 samples of one and the same thing are further apart than this once in ten million runs (the deviation of the share is
 * 0.065). A password hash that is left out for an account that is none puts them at 1.
 */
const tellable = 0.85;

type Question = { answer: string; input: (email: string) => object };

const questions: Record<string, Question> = {
  signIn: { answer: 'InvalidCredentialsError', input: (email) => ({ email, password: 'not the password' }) },
  passwordResetRequest: { answer: 'PasswordResetRequested', input: (email) => ({ email }) },
};

/** As in production: what a hash takes is what would tell. */
const services = { hashing: { memoryKib: 19_456, time: 2, parallelism: 1 }, hasMail: true };

const asked = Object.entries(questions).filter(([name]) => name in (schema.getMutationType()?.getFields() ?? {}));
for (const [name, { answer: expected, input }] of asked) {
  test(`whether somebody has an account shows neither in the answer to ${name} nor in its time`, async ({
    db,
    keys,
    storage,
    clock,
  }) => {
    await using api = await startTestApi({ db, keys, storage, clock, services });
    const { email: known } = await signUp(api, 'Known');
    const type = `${name.charAt(0).toUpperCase()}${name.slice(1)}Input`;
    const query = `mutation ($input: ${type}!) { ${name}(input: $input) { __typename ... on UserError { code message } } }`;
    const answers = new Set<string>();
    const times = await timed(samples, async (isKnown) => {
      const email = isKnown ? known : `nobody-${Math.random()}@example.com`;
      const { data } = await api.graphql(query, { input: input(email) });
      answers.add(JSON.stringify(data));
    });
    expect([...answers]).toEqual([expect.stringContaining(`"__typename":"${expected}"`)]);
    expect(separation(times)).toBeLessThan(tellable);
  });
}

test('the measure tells apart what differs, and not what does not', () => {
  const noise = (add: number) => Array.from({ length: samples }, (_, index) => ((index * 7_919) % 101) / 10 + add);
  expect(separation({ known: noise(0), unknown: noise(0) })).toBeLessThan(0.6);
  expect(separation({ known: noise(12), unknown: noise(0) })).toBe(1);
});
