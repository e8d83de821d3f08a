import pg from 'pg';
import { scramVerifier } from './scram.ts';

/** Group roles: what a login may do is a membership, so that policies and grants name no login. */
export const groups = ['parley_app', 'parley_queue', 'parley_finder'] as const;

export type Login = { variable: string; name: string; password: string; group: (typeof groups)[number] };

/** The roles that the variables name cannot be what they are meant to be. Says which and why, never a password. */
export class LoginError extends Error {}

/** The login that a database URL names. */
export function readLogin(variable: string, url: string, group: Login['group']): Login {
  const { username, password } = new URL(url);
  try {
    return { variable, name: decodeURIComponent(username), password: decodeURIComponent(password), group };
  } catch {
    throw new LoginError(`The user or the password in ${variable} has a % that is not written as %25.`);
  }
}

/**
 * Makes the groups and the logins, or brings them to what the variables say: a password that was changed there is taken over.
 * What is right already is not written again. Roles belong to the whole server, so another database's migration may be at it too.
 */
export async function createLogins(owner: pg.Client, ownerUrl: string, logins: Login[]): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      for (const group of groups) await createGroup(owner, group);
      for (const login of logins) await createLogin(owner, ownerUrl, login);
      return;
    } catch (error) {
      if (isRefused(error)) {
        throw new LoginError(
          'The role in DATABASE_OWNER_URL may not make roles. Give it CREATEROLE, or make it a superuser for its first run.',
          { cause: error },
        );
      }
      if (tries === 5 || !isRaced(error)) throw error;
    }
  }
}

async function createGroup(owner: pg.Client, group: string): Promise<void> {
  const { rowCount } = await owner.query('select from pg_roles where rolname = $1', [group]);
  if (rowCount === 0) await owner.query(`create role ${group} nologin`);
  const granted = await owner.query(
    `select from pg_auth_members where roleid = $1::regrole and member = current_user::regrole and set_option`,
    [group],
  );
  // The owner hands functions over to these roles; it gets none of their rights.
  if (granted.rowCount === 0) await owner.query(`grant ${group} to current_user with set true, inherit false`);
}

async function createLogin(owner: pg.Client, ownerUrl: string, login: Login): Promise<void> {
  const { name, password, group, variable } = login;
  const role = pg.escapeIdentifier(name);
  const withPassword = password === '' ? '' : ` password ${pg.escapeLiteral(scramVerifier(password))}`;
  const found = await owner.query<{ strong: boolean; signs: boolean; groups: string[] }>(
    `select r.rolsuper or r.rolbypassrls or r.rolcreaterole as strong, r.rolcanlogin as signs,
       array(select pg_get_userbyid(m.roleid)::text from pg_auth_members m where m.member = r.oid order by 1) as groups
     from pg_roles r where r.rolname = $1`,
    [name],
  );
  const [known] = found.rows;
  const others = known?.groups.filter((other) => other !== group) ?? [];
  if (!known) {
    await owner.query(`create role ${role} login${withPassword}`);
  } else if (known.strong) {
    throw new LoginError(
      `The role "${name}" in ${variable} is too strong: it is a superuser, passes by row-level security or makes roles.`,
    );
  } else if (!known.signs) {
    throw new LoginError(`The role "${name}" in ${variable} may not sign in.`);
  } else if (others.length > 0) {
    throw new LoginError(`The role "${name}" in ${variable} is also a member of ${others.join(', ')}.`);
  } else if (withPassword && !(await signsIn(ownerUrl, login))) {
    await owner.query(`alter role ${role}${withPassword}`);
  }
  if (!known?.groups.includes(group)) await owner.query(`grant ${group} to ${role}`);
}

/** Whether the password is the role's, on the server that is migrated (a pooler in front of it may ask for none). */
async function signsIn(ownerUrl: string, { name, password }: Login): Promise<boolean> {
  const url = new URL(ownerUrl);
  url.username = encodeURIComponent(name);
  url.password = encodeURIComponent(password);
  const client = new pg.Client({ connectionString: url.href });
  try {
    await client.connect();
    return true;
  } catch (error) {
    if (hasCode(error, ['28P01'])) return false;
    throw error;
  } finally {
    await client.end();
  }
}

/** Settings of a login, where they are not so already. */
export async function setForLogin(owner: pg.Client, name: string, settings: Record<string, string>): Promise<void> {
  const { rows } = await owner.query<{ config: string[] }>(
    `select coalesce(rolconfig, '{}') as config from pg_roles where rolname = $1`,
    [name],
  );
  const role = pg.escapeIdentifier(name);
  for (const [setting, value] of Object.entries(settings)) {
    if (rows[0]?.config.includes(`${setting}=${value}`)) continue;
    await owner.query(`alter role ${role} set ${setting} = ${pg.escapeLiteral(value)}`);
  }
}

const hasCode = (error: unknown, codes: string[]) =>
  error instanceof pg.DatabaseError && codes.includes(error.code ?? '');
const isRefused = (error: unknown) => hasCode(error, ['42501']);
/** Somebody else made or changed the same role in the same moment: exists, unique_violation, "tuple concurrently updated". */
const isRaced = (error: unknown) => hasCode(error, ['42710', '23505', 'XX000']);
