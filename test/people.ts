import { randomBytes } from 'node:crypto';
import { formatLinkToken, makeLinkToken } from '../domain/auth/link-token.ts';
import type { Role } from '../domain/auth/permissions.ts';
import { askFor, mutate } from './ask.ts';
import { type Person, rawId, type TestApi, testKeys } from './fixtures.ts';

/** The token of an invitation, as its mail has it. */
export function invitationToken(tenantId: string, invitationId: string): string {
  const [newest] = testKeys.encryption;
  if (!newest) throw new Error('There is no key.');
  return formatLinkToken(makeLinkToken('INVITATION', tenantId, rawId(invitationId), newest.key));
}

/** Invites somebody, who must be invitable, and gives the token of the invitation. */
export async function invite(by: Person, email: string, role: Role): Promise<{ id: string; token: string }> {
  const made = await mutate(by, 'invitationCreate', { email, role }, '... on Invitation { id }');
  if (made['__typename'] !== 'Invitation') throw new Error(JSON.stringify(made));
  return { id: made['id'], token: invitationToken(by.tenantId, made['id']) };
}

/** Somebody new who is invited to a tenant, and joins it. */
export async function addMember(api: TestApi, by: Person, role: Role, name = 'Marta Member'): Promise<Person> {
  const email = `member-${randomBytes(6).toString('hex')}@example.com`;
  const password = randomBytes(12).toString('base64url');
  const { token } = await invite(by, email, role);
  const session = await accept(api, { token, name, password });
  if (session['__typename'] !== 'Session') throw new Error(JSON.stringify(session));
  return personOf(api, session, { email, password });
}

export const sessionParts = `... on Session { accessToken refreshToken role user { id } tenant { id } }
  ... on UserError { code message }`;

/** Accepts an invitation, as nobody unless somebody is given. */
export function accept(caller: Pick<Person, 'graphql'> | TestApi, input: Record<string, unknown>) {
  return askFor(caller, 'invitationAccept', input, sessionParts);
}

/** Whoever a session was given to. */
export function personOf(
  api: TestApi,
  session: Record<string, any>, // oxlint-disable-line typescript/no-explicit-any -- it has the shape of its query
  { email, password }: { email: string; password: string },
): Person {
  const { accessToken, refreshToken, user, tenant } = session;
  return {
    email,
    password,
    accessToken,
    refreshToken,
    tenantId: rawId(tenant.id),
    userId: rawId(user.id),
    graphql: (query, variables) => api.graphql(query, variables, accessToken),
  };
}
