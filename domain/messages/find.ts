import type { Tx } from '../../prisma/client.ts';

type Number = { tenantId: string; numberId: string };

/** Numbers whose single messages are due, across tenants. */
export const findNumbersWithSingles = (tx: Tx, atMost: number) => findDue(tx, true, atMost);

/** Numbers with something due in running campaigns, across tenants. */
export const findNumbersWithBulk = (tx: Tx, atMost: number) => findDue(tx, false, atMost);

const findDue = (tx: Tx, isUrgent: boolean, atMost: number) =>
  tx.$queryRaw<Number[]>`
    select tenant_id as "tenantId", number_id as "numberId" from find_due_numbers(${isUrgent}, ${atMost}::int)`;

/** Tenants with messages whose lease or settle window is over. */
export function findTenantsInDoubt(tx: Tx, atMost: number): Promise<{ tenantId: string }[]> {
  return tx.$queryRaw`select tenant_id as "tenantId" from find_tenants_in_doubt(${atMost}::int)`;
}
