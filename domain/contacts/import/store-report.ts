import { arrayLiteral, plainArrayLiteral } from '../../../prisma/array-literal.ts';
import type { Tx } from '../../../prisma/client.ts';
import type { Problem, Rejected } from './check-record.ts';
import type { Claim } from './decide.ts';

/** How many problems a client can page through. Every failed record is in the error file all the same. */
export const problemsShown = 1_000;
const valueLengthMax = 200;

/** Writes down why records were not stored, and those that failed as they stood in the file. */
export async function storeRejected(
  tx: Tx,
  tenantId: string,
  importId: string,
  rejected: readonly Rejected[],
): Promise<void> {
  if (rejected.length === 0) return;
  const inOrder = rejected.toSorted((a, b) => a.record - b.record);
  await storeProblems(tx, tenantId, importId, inOrder);
  const failed = inOrder.filter(({ outcome }) => outcome === 'FAILED');
  if (failed.length === 0) return;
  const cells = failed.map((one) => one.cells.map(storable));
  await tx.$executeRaw`
    insert into contact_import_rejected (tenant_id, import_id, record, line, error, cells)
    select ${tenantId}::uuid, ${importId}::uuid, record, line, error, array(select jsonb_array_elements_text(cells))
      from unnest(${failed.map(({ record }) => record)}::int[], ${failed.map(({ line }) => line)}::int[],
        ${failed.map(({ problems }) => storable(describeProblems(problems)))}::text[], ${cells.map((one) => JSON.stringify(one))}::jsonb[]
      ) as r (record, line, error, cells)`;
}

async function storeProblems(tx: Tx, tenantId: string, importId: string, rejected: readonly Rejected[]): Promise<void> {
  const shown = await tx.contactImportProblem.count({ where: { tenantId, importId } });
  const problems = rejected
    .flatMap(({ problems, ...of }) => problems.map((problem, position) => ({ ...of, ...problem, position })))
    .slice(0, problemsShown - shown);
  if (problems.length === 0) return;
  const text = (name: keyof Problem) => problems.map((problem) => problem[name] && storable(problem[name]));
  await tx.$executeRaw`
    insert into contact_import_problems (tenant_id, import_id, record, position, outcome, line, "column", value, code, message, expected)
    select ${tenantId}::uuid, ${importId}::uuid, r.*
      from unnest(
        ${problems.map(({ record }) => record)}::int[], ${problems.map(({ position }) => position)}::int[],
        ${problems.map(({ outcome }) => outcome)}::text[], ${problems.map(({ line }) => line)}::int[], ${text('column')}::text[],
        ${text('value').map((value) => value && cut(value))}::text[], ${text('code')}::text[], ${text('message')}::text[], ${text('expected')}::text[]
      ) as r`;
}

/** All that is wrong with a record, for its line in the error file. */
function describeProblems(problems: readonly Problem[]): string {
  return problems
    .map(({ column, message, expected }) => {
      const at = column === null ? '' : `${column}: `;
      return `${at}${message}${expected === null ? '' : ` Expected ${expected}.`}`;
    })
    .join(' | ');
}

export async function storeClaims(tx: Tx, tenantId: string, importId: string, claims: readonly Claim[]): Promise<void> {
  if (claims.length === 0) return;
  await tx.$executeRaw`
    insert into contact_import_claims (tenant_id, import_id, key, line)
    select ${tenantId}::uuid, ${importId}::uuid, r.*
      from unnest(${arrayLiteral(claims.map(({ key }) => key))}::text[], ${plainArrayLiteral(claims.map(({ line }) => line))}::int[]) as r`;
}

/** Postgres keeps no U+0000, and no half of a pair. */
function storable(text: string): string {
  return text.includes('\0') || !text.isWellFormed() ? text.replaceAll('\0', '\uFFFD').toWellFormed() : text;
}

function cut(value: string): string {
  return value.length <= valueLengthMax ? value : `${value.slice(0, valueLengthMax - 1).toWellFormed()}…`;
}
