import type { Role } from '../domain/auth/permissions.ts';
import { type Person, rawId, signUp, type TestApi } from './fixtures.ts';
import { connect } from './sql.ts';

/** Somebody who works for a tenant in a role, and has signed in for it. */
export async function joinTenant(api: TestApi, superuserUrl: string, tenantId: string, role: Role): Promise<Person> {
  const person = await signUp(api, 'Of one’s own');
  await using superuser = await connect(superuserUrl);
  // The first tenant of a person is the one that a sign-in leads to.
  await superuser.query(
    `insert into memberships (tenant_id, user_id, role, created_at) values ($1, $2, $3, '2020-01-01')`,
    [tenantId, person.userId, role],
  );
  const { data } = await api.graphql(
    `mutation ($input: SignInInput!) { signIn(input: $input) { __typename
      ... on Session { accessToken refreshToken tenant { id } role } ... on UserError { message } } }`,
    { input: { email: person.email, password: person.password } },
  );
  const session = data['signIn'];
  if (session?.__typename !== 'Session' || rawId(session.tenant.id) !== tenantId || session.role !== role) {
    throw new Error(`Signing in as ${role} failed: ${JSON.stringify(session)}`);
  }
  const { accessToken, refreshToken } = session;
  return {
    ...person,
    tenantId,
    accessToken,
    refreshToken,
    graphql: (query, variables) => api.graphql(query, variables, accessToken),
  };
}
