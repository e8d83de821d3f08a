import type { Simulators } from '../simulators/start.ts';
import { mutate } from './ask.ts';
import type { Person } from './fixtures.ts';

type Caller = Pick<Person, 'graphql'>;
type Answer = Record<string, any>; // oxlint-disable-line typescript/no-explicit-any -- it has the shape of its query

export const templateFields = `id name language metaId category nextCategory nextCategoryAt status pausedUntil quality ttlSeconds
  rejection { reason title action } version { parameterFormat components unsendablePart parameters { key kind example } }`;

/** Connects a number of the simulator's to a tenant, through the API; gives the ids of either side. */
export async function connectShop(shop: Caller, simulators: Simulators, input: object = {}) {
  const number = simulators.meta.createNumber({ level: 'HIGH', tier: 'TIER_UNLIMITED', ...input });
  const parts = '... on WhatsAppAccount { id numbers { id } }';
  const account = await mutate(shop, 'whatsAppConnect', { accessToken: number.accessToken, pin: '123456' }, parts);
  if (account['__typename'] !== 'WhatsAppAccount') throw new Error(JSON.stringify(account));
  return { ...number, accountId: String(account['id']), numberId: String(account['numbers'][0].id) };
}

export function createTemplate(shop: Caller, accountId: string, input: object = {}): Promise<Answer> {
  const template = { name: 'order_update', language: 'pt_BR', category: 'UTILITY', components: [body], ...input };
  const parts = `... on Template { ${templateFields} } ... on PartnerError { title partnerCode } ... on PartnerUnavailableError { retryAfter }`;
  return mutate(shop, 'templateCreate', { whatsAppAccountId: accountId, ...template }, parts);
}

export function syncTemplates(shop: Caller, accountId: string): Promise<Answer> {
  const parts =
    '... on WhatsAppAccount { status templatesSyncedAt } ... on PartnerError { partnerCode } ... on PartnerUnavailableError { retryAfter }';
  return mutate(shop, 'templatesSync', { whatsAppAccountId: accountId }, parts);
}

export async function templatesOf(shop: Caller, filter: object = {}): Promise<Answer[]> {
  const query = `query ($filter: TemplateFilter) { templates(filter: $filter) { totalCount nodes { ${templateFields} } } }`;
  const { data, errors } = await shop.graphql(query, { filter });
  if (errors) throw new Error(JSON.stringify(errors));
  return data['templates'].nodes;
}

export const body = { type: 'BODY', text: 'Hi {{1}}, your order {{2}} is on its way to you.', examples: ['Ana', '42'] };
