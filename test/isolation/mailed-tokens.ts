import { randomUUID } from 'node:crypto';
import { v7 as newId } from 'uuid';
import { issueToken, type UserTokenPurpose } from '../../domain/auth/user-tokens.ts';
import { type Db, inScope } from '../../prisma/client.ts';
import { type Person, testKeys } from '../fixtures.ts';
import type { Connection } from '../sql.ts';

const serverSecrets = testKeys.encryption.map(({ key }) => key);

/**
 * Makes the tokens of links as they would be mailed. A new password ends every session of its person: it is a colleague's, made for it, and
 * gone with the world.
 */
export function mailedTokens(db: Db, { query }: Connection) {
  return async (person: Person, purpose: UserTokenPurpose): Promise<string> => {
    const isReset = purpose === 'RESET_PASSWORD';
    const userId = isReset ? randomUUID() : person.userId;
    const email = isReset ? `colleague-${userId}@example.com` : person.email;
    if (isReset) {
      await query('insert into users (id, name, email, email_key) values ($1, $2, $3, $3)', [
        userId,
        'Colleague',
        email,
      ]);
      await query(`insert into memberships (tenant_id, user_id, role) values ($1, $2, 'SELLER')`, [
        person.tenantId,
        userId,
      ]);
    }
    await query('update users set email_verified_at = null where id = $1', [userId]);
    const now = new Date();
    const token = await inScope(db, { userId }, (tx) =>
      issueToken(tx, { userId, id: newId(), purpose, emailKey: email, askedAt: now }, serverSecrets, now),
    );
    if (token === null) throw new Error('No token was made.');
    return token;
  };
}
