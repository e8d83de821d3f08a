import { codeAt } from '../totp.ts';
import type { Variables } from './calls.ts';
import type { Tenant } from './tenant.ts';

/** The person signs in by the password alone, whatever there was. */
export async function withoutTotp(tenant: Tenant): Promise<void> {
  await tenant.send('mutation { totpDisable(input: {}) { __typename } }', {});
}

/** The secret of a new authenticator app, not confirmed yet. */
export async function begunTotp(tenant: Tenant): Promise<string> {
  await withoutTotp(tenant);
  const { data } = await tenant.send('mutation { totpBegin(input: {}) { ... on TotpSetup { secret } } }', {});
  return String(of(data, 'totpBegin')['secret']);
}

/** An authenticator app that sign-ins ask for; gives its secret. The code of these 30 seconds is still good. */
export async function withTotp(tenant: Tenant): Promise<string> {
  const secret = await begunTotp(tenant);
  const query = 'mutation ($code: String!) { totpConfirm(input: { code: $code }) { __typename } }';
  const { data } = await tenant.send(query, { code: codeAt(secret, new Date(), -1) });
  return of(data, 'totpConfirm')['__typename'] === 'RecoveryCodes' ? secret : withTotp(tenant); // the 30 seconds were over
}

/** The challenge of a sign-in that owes the second step. */
export async function newChallenge(tenant: Tenant): Promise<string> {
  const { email, password } = tenant.person;
  const { data } = await tenant.send(
    `mutation ($input: SignInInput!) { signIn(input: $input) { ... on SecondFactorRequiredError { challenge } } }`,
    { input: { email, password } },
  );
  return String(of(data, 'signIn')['challenge']);
}

function of(data: Variables | null, name: string): Variables {
  return (data?.[name] ?? {}) as Variables;
}
