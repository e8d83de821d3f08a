import { randomUUID } from 'node:crypto';
import { handOut } from '../../domain/auth/handed-out.ts';
import { testKeys } from '../fixtures.ts';
import { type GoogleAccount, visitGoogle } from '../google.ts';
import type { Variables } from './calls.ts';
import { withoutTotp } from './factors.ts';
import type { Tenant } from './tenant.ts';

function newAccount(tenant: Tenant): GoogleAccount {
  const email = `${tenant.word('google')}@example.com`;
  return { subject: randomUUID(), email, isEmailVerified: true, name: tenant.text('google') };
}

/** What was handed out for an account that nobody signs in with yet. */
export function newIdentity(tenant: Tenant, issuer = 'https://accounts.example', account = newAccount(tenant)): string {
  const expiresAt = new Date(Date.now() + 10 * 60_000);
  return handOut(testKeys.encryption, 'google identity', { issuer, ...account }, expiresAt);
}

export async function withoutGoogle(tenant: Tenant): Promise<void> {
  await tenant.send('mutation { googleUnlink(input: {}) { __typename } }', {});
}

export async function withGoogle(tenant: Tenant, identity = newIdentity(tenant)): Promise<void> {
  await withoutGoogle(tenant);
  const query = 'mutation ($identity: String!) { googleLink(input: { identity: $identity }) { __typename } }';
  await tenant.send(query, { identity });
}

/** What the person comes back with from Google, whose account is linked. */
export async function backFromGoogle(tenant: Tenant): Promise<Variables> {
  await withoutTotp(tenant);
  const query = 'mutation { googleSignInBegin(input: {}) { ... on GoogleAttempt { url attempt } } }';
  const { data } = await tenant.send(query, {});
  const { url, attempt } = (data?.['googleSignInBegin'] ?? {}) as { url: string; attempt: string };
  const account = newAccount(tenant);
  await withGoogle(tenant, newIdentity(tenant, new URL(url).origin, account));
  return { attempt, ...(await visitGoogle(url, account)) };
}
