import type { Check, Sql } from './catalogue/check.ts';
import { keys } from './catalogue/keys.ts';
import { privileges } from './catalogue/privileges.ts';
import { walls } from './catalogue/walls.ts';
import { type Table, tables } from './tables.ts';

/** The rules that the database is held to, by name. */
export const checks: Record<CheckName, Check> = { ...walls, ...keys, ...privileges };
export type CheckName = keyof typeof walls | keyof typeof keys | keyof typeof privileges;

/** What breaks which rule; empty while the walls stand. */
export async function findFaults(
  sql: Sql,
  list: readonly Table[] = tables,
): Promise<Partial<Record<CheckName, string[]>>> {
  const faults: Partial<Record<CheckName, string[]>> = {};
  for (const name of Object.keys(checks) as CheckName[]) {
    const found = await checks[name](sql, list);
    if (found.length > 0) faults[name] = found;
  }
  return faults;
}
