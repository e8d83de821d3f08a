import type { Tx } from '../../prisma/client.ts';

/**
 * Lets one transaction at a time decide what depends on how many of something a tenant has, as its owners or its live keys: whoever
 * counts and then writes asks for this first. What only refers to the tenant does not wait.
 */
export async function lockTenant(tx: Tx, tenantId: string): Promise<void> {
  await tx.$executeRaw`select from tenants where id = ${tenantId}::uuid for no key update`;
}
