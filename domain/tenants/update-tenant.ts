import { parsePhone } from '../contacts/phone.ts';
import { problems } from '../errors.ts';
import { isCountry, isLocale, isTimeZone } from '../places.ts';
import type { Tx } from '../../prisma/client.ts';

type Nullable<T> = { [K in keyof T]?: T[K] | null | undefined };
export type TenantProfile = Nullable<
  Record<(typeof optionalTexts)[number] | (typeof requiredTexts)[number] | 'phone', string>
>;

const optionalTexts = [
  'legalName',
  'taxId',
  'registrationId',
  'industry',
  'companySize',
  'street',
  'city',
  'region',
  'postalCode',
] as const;
const requiredTexts = ['name', 'country', 'timeZone', 'locale'] as const;
const textMax = 200;

/** Changes a tenant's business profile: what is undefined stays, null clears what may be empty. */
export async function updateTenant(tx: Tx, tenantId: string, profile: TenantProfile): Promise<{ id: string }> {
  const { country } = await tx.tenant.findUniqueOrThrow({ where: { id: tenantId }, select: { country: true } });
  return tx.tenant.update({ where: { id: tenantId }, data: checkProfile(profile, country), select: { id: true } });
}

/** A profile as it is stored, or everything that is wrong with it. */
export function checkProfile(
  profile: TenantProfile,
  currentCountry: string,
): { [K in keyof TenantProfile]: never } & Record<string, string | null> {
  const found = problems();
  const data: Record<string, string | null> = {};
  for (const name of optionalTexts) {
    const value = profile[name];
    if (value === undefined) continue;
    const text = value?.trim() ?? '';
    if (text.length > textMax) found.add(name, `Expected at most ${textMax} characters.`);
    data[name] = text || null;
  }
  for (const name of requiredTexts) {
    const value = profile[name];
    if (value === undefined) continue;
    const text = value?.trim() ?? '';
    if (text === '' || text.length > textMax) found.add(name, `Expected 1 to ${textMax} characters.`);
    data[name] = text;
  }
  if (data['country'] && !isCountry(data['country']))
    found.add('country', 'Expected a country by ISO 3166-1 alpha-2, as BR.');
  if (data['timeZone'] && !isTimeZone(data['timeZone']))
    found.add('timeZone', 'Expected an IANA time zone, as America/Sao_Paulo.');
  if (data['locale'] && !isLocale(data['locale'])) found.add('locale', 'Expected a BCP 47 locale, as pt-BR.');
  if (profile.phone !== undefined) {
    const phone = profile.phone === null ? null : parsePhone(profile.phone, data['country'] ?? currentCountry);
    if (phone === undefined) found.add('phone', 'Expected a telephone number, as +5511987654321.');
    else data['phone'] = phone?.e164 ?? null;
  }
  found.throwIfAny();
  return data as never;
}
