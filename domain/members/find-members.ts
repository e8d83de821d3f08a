import type { Tx } from '../../prisma/client.ts';

/** The members of the transaction's tenant who have a second factor. */
export async function findMembersWithTotp(tx: Tx): Promise<Map<string, boolean>> {
  const found = await tx.$queryRaw<{ userId: string }[]>`select user_id as "userId" from find_members_with_totp()`;
  return new Map(found.map(({ userId }) => [userId, true]));
}
