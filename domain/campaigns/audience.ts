import { Prisma, type Tx } from '../../prisma/client.ts';
import { compileFilter, contactsWhere } from '../contacts/compile-filter.ts';
import type { ResolvedFilter } from '../contacts/filter-definitions.ts';
import { type FieldProblem, InvalidInputError } from '../errors.ts';
import { openFilter } from '../segments/segments.ts';

const { sql } = Prisma;

/** Whom a campaign is for: everybody of these segments and these contacts, but nobody of those. */
export type Audience = {
  segmentIds: string[];
  contactIds: string[];
  excludeSegmentIds: string[];
  excludeContactIds: string[];
};

export const audienceSegmentsMax = 20;
export const audienceContactsMax = 1_000;

type AudienceInput = { [List in keyof Audience]?: string[] | null | undefined };

/** Makes an audience of a client's lists; throws whatever in it is not there. */
export async function checkAudience(
  tx: Tx,
  tenantId: string,
  input: AudienceInput,
  path = 'audience',
): Promise<Audience> {
  const audience: Audience = {
    segmentIds: once(input.segmentIds),
    contactIds: once(input.contactIds),
    excludeSegmentIds: once(input.excludeSegmentIds),
    excludeContactIds: once(input.excludeContactIds),
  };
  if (audience.segmentIds.length + audience.contactIds.length === 0) {
    throw new InvalidInputError([{ path, message: 'Expected at least one segment or contact.' }]);
  }
  const opened = await openAudience(tx, tenantId, audience, path);
  const problems = [...tooLong(audience, path), ...opened.problems, ...opened.unknownContacts];
  if (problems.length > 0) throw new InvalidInputError(problems);
  return audience;
}

const once = (ids: string[] | null | undefined) => [...new Set(ids ?? [])];

function tooLong(audience: Audience, path: string): FieldProblem[] {
  const max = { segmentIds: audienceSegmentsMax, excludeSegmentIds: audienceSegmentsMax } as const;
  return (Object.keys(audience) as (keyof Audience)[]).flatMap((list) => {
    const allowed = list in max ? audienceSegmentsMax : audienceContactsMax;
    return audience[list].length > allowed
      ? [{ path: `${path}.${list}`, message: `Expected at most ${allowed}; make a segment of them.` }]
      : [];
  });
}

/** An audience with what it refers to, as that is now. With problems it must not be used: a missing exclusion would let people in. */
export type OpenAudience = {
  included: ResolvedFilter[];
  excluded: ResolvedFilter[];
  contactIds: string[];
  excludeContactIds: string[];
  problems: FieldProblem[];
  /** Contacts that are not there: a mistake of whoever names them now; deleted since, where they were named before. */
  unknownContacts: FieldProblem[];
};

/** Loads what an audience refers to. A contact that was merged since stands for the one it was merged into. */
export async function openAudience(
  tx: Tx,
  tenantId: string,
  audience: Audience,
  path = 'audience',
): Promise<OpenAudience> {
  const wanted = [...new Set([...audience.segmentIds, ...audience.excludeSegmentIds])];
  const rows =
    wanted.length > 0
      ? await tx.segment.findMany({ where: { tenantId, id: { in: wanted } }, select: { id: true, filter: true } })
      : [];
  const segments = new Map<string, ResolvedFilter & { problems: FieldProblem[] }>();
  for (const { id, filter } of rows) segments.set(id, await openFilter(tx, tenantId, filter));
  const leads = await leadsOf(tx, tenantId, [...audience.contactIds, ...audience.excludeContactIds]);
  const problems: FieldProblem[] = [];
  const openSegments = (list: 'segmentIds' | 'excludeSegmentIds') =>
    audience[list].flatMap((id, index) => {
      const segment = segments.get(id);
      if (!segment) problems.push({ path: `${path}.${list}.${index}`, message: 'There is no such segment.' });
      else if (segment.problems.length > 0) {
        problems.push({
          path: `${path}.${list}.${index}`,
          message: 'The segment asks for a tag or custom field that is no longer there.',
        });
      }
      return segment ? [segment] : [];
    });
  const unknown = (list: 'contactIds' | 'excludeContactIds') =>
    audience[list].flatMap((id, index) =>
      leads.has(id) ? [] : [{ path: `${path}.${list}.${index}`, message: 'There is no such contact.' }],
    );
  return {
    included: openSegments('segmentIds'),
    excluded: openSegments('excludeSegmentIds'),
    contactIds: audience.contactIds.flatMap((id) => leads.get(id) ?? []),
    excludeContactIds: audience.excludeContactIds.flatMap((id) => leads.get(id) ?? []),
    problems,
    unknownContacts: [...unknown('contactIds'), ...unknown('excludeContactIds')],
  };
}

/** Which contacts are there, each with the one that stands for it after merges. Somebody who was deleted is nobody's recipient. */
async function leadsOf(tx: Tx, tenantId: string, ids: string[]): Promise<Map<string, string>> {
  if (ids.length === 0) return new Map();
  const rows = await tx.$queryRaw<{ id: string; leadId: string }[]>`
    with recursive up as (
      select id, id as lead_id, merged_into_id from contacts where tenant_id = ${tenantId}::uuid and id = any(${ids}::uuid[])
      union all
      select up.id, c.id, c.merged_into_id from up join contacts c on c.tenant_id = ${tenantId}::uuid and c.id = up.merged_into_id
    )
    select id, lead_id as "leadId" from up where merged_into_id is null`;
  return new Map(rows.map(({ id, leadId }) => [id, leadId]));
}

/** The audience as one condition over `contacts c`; contacts merged into others are left out. */
export function audienceWhere(tenantId: string, audience: OpenAudience): Prisma.Sql {
  const { included, excluded, contactIds, excludeContactIds } = audience;
  const all = contactsWhere(tenantId, null);
  const parts = [
    ...included.map(({ filter, definitions }) => compileFilter(filter, definitions)),
    ...(contactIds.length > 0 ? [sql`c.id = any(${contactIds}::uuid[])`] : []),
  ];
  const unwanted = excluded.map(({ filter, definitions }) => compileFilter(filter, definitions));
  return Prisma.join(
    [
      all,
      anyOf(parts, all),
      ...(unwanted.length > 0
        ? [sql`not exists (select from (${idsOf(unwanted, all)}) unwanted where unwanted.id = c.id)`]
        : []),
      ...(excludeContactIds.length > 0 ? [sql`c.id <> all(${excludeContactIds}::uuid[])`] : []),
    ],
    ' and ',
  );
}

/** Each part by itself, joined by ids: under an OR, Postgres could use neither its indexes nor its joins. */
function anyOf(parts: Prisma.Sql[], all: Prisma.Sql): Prisma.Sql {
  const [only] = parts;
  if (!only) return sql`false`;
  return parts.length === 1 ? only : sql`c.id in (${idsOf(parts, all)})`;
}

const idsOf = (parts: Prisma.Sql[], all: Prisma.Sql) =>
  Prisma.join(
    parts.map((part) => sql`select c.id from contacts c where ${all} and ${part}`),
    ' union all ',
  );

/** What the database holds was checked when it was written. */
export const readAudience = (stored: Prisma.JsonValue) => stored as Audience;
