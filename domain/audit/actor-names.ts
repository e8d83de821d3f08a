import { plainArrayLiteral } from '../../prisma/array-literal.ts';
import type { Tx } from '../../prisma/client.ts';

/** What actors are called by now, in one statement for all of them: members, and API keys even when they are revoked. Who is gone has no name. */
export async function findActorNames(
  tx: Tx,
  tenantId: string,
  actorIds: readonly string[],
): Promise<Map<string, string>> {
  const ids = plainArrayLiteral(actorIds);
  const found = await tx.$queryRaw<{ id: string; name: string }[]>`
    select u.id, u.name from memberships m join users u on u.id = m.user_id
     where m.tenant_id = ${tenantId}::uuid and m.user_id = any(${ids}::uuid[])
    union all
    select k.id, k.name from api_keys k where k.tenant_id = ${tenantId}::uuid and k.id = any(${ids}::uuid[])`;
  return new Map(found.map(({ id, name }) => [id, name]));
}
