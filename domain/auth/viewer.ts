import { timingSafeEqual } from 'node:crypto';
import type { Assigned, Tx } from '../../prisma/client.ts';
import { isWithin } from './address-ranges.ts';
import {
  type Permission,
  permissionsOf,
  permissionsOfKey,
  permissionsWithoutFactor,
  type Role,
  roles,
} from './permissions.ts';

/** Who does something, as `created_by` columns and the audit log name it. */
export type Actor = { type: 'PERSON' | 'API_KEY' | 'SYSTEM'; id: string | null };

/** Where a request came from, as far as is known. */
export type Origin = { requestId: string; address: string | null; userAgent: string | null };

/** What a verified access token claims; the role is not in it: it is read anew for each operation. */
export type Claims = { userId: string; tenantId: string; sessionId: string };

/** What an API key claims, once it has the form of one: whether it holds is read anew for each operation. */
export type KeyClaims = { tenantId: string; apiKeyId: string; secretHash: Buffer };

/** Who is asking, for which tenant, with which rights: a person, or a program with a key. */
export type Viewer = PersonViewer | KeyViewer;

type Asking<Type extends Actor['type']> = {
  tenantId: string;
  /** For `created_by` columns and the audit log; its type tells a person from a key. */
  actor: { type: Type; id: string };
  origin: Origin | null;
  /** What it may do, whatever gives it the right. */
  permissions: ReadonlySet<Permission>;
  /** Whose contacts and campaigns it sees, where that is not all of them. */
  sees: Assigned;
  /** Whether telephone numbers and e-mail addresses of contacts are shown to it only in part. */
  isMasked: boolean;
};

export type PersonViewer = Asking<'PERSON'> & {
  userId: string;
  sessionId: string;
  role: Role;
  /** When the person last proved who it is: domain/auth/step-up.ts. */
  confirmedAt: Date;
  /** The tenant asks for a second factor, and the person has none: it can set one up, and nothing else. */
  owesFactor: boolean;
};

export type KeyViewer = Asking<'API_KEY'> & { apiKeyId: string };

/** Whether a person is asking, who has a session and a role. */
export function isPerson(viewer: Viewer | null): viewer is PersonViewer {
  return viewer?.actor.type === 'PERSON';
}

export function may(viewer: Viewer, permission: Permission): boolean {
  return viewer.permissions.has(permission);
}

type SessionRow = Pick<PersonViewer, 'confirmedAt' | 'owesFactor' | 'isMasked'> &
  Record<'role' | 'contactsOf' | 'campaignsOf', string>;

/**
 * Answers who is asking: reads what stands behind a token or a key, in a transaction of its tenant and person. Null when it no longer
 * holds: whatever ends it takes effect with the next operation. Every operation asks this first: written in SQL, it takes half the time.
 */
export function findViewer(
  tx: Tx,
  claims: Claims | KeyClaims,
  origin: Origin | null,
  now: Date,
): Promise<Viewer | null> {
  return 'apiKeyId' in claims ? findKey(tx, claims, origin, now) : findPerson(tx, claims, origin, now);
}

/** Of a session that has not ended, and a membership that is still there. */
async function findPerson(tx: Tx, claims: Claims, origin: Origin | null, now: Date): Promise<PersonViewer | null> {
  const { tenantId, sessionId, userId } = claims;
  // What a seller may see holds in the transaction from here on.
  const [session] = await tx.$queryRaw<SessionRow[]>`
    select m.role, s.confirmed_at as "confirmedAt",
      t.require_totp and not exists (
        select from user_totp f where f.user_id = s.user_id and f.confirmed_at is not null) as "owesFactor",
      m.role = 'SELLER' and t.mask_for_sellers as "isMasked",
      set_config('app.contacts_of', case when m.role = 'SELLER' and t.sellers_see_contacts <> 'ALL' then m.user_id::text else '' end, true) as "contactsOf",
      set_config('app.campaigns_of', case when m.role = 'SELLER' and t.sellers_see_campaigns <> 'ALL' then m.user_id::text else '' end, true) as "campaignsOf"
      from sessions s join memberships m on m.tenant_id = s.tenant_id and m.user_id = s.user_id
      join tenants t on t.id = s.tenant_id
     where s.tenant_id = ${tenantId}::uuid and s.id = ${sessionId}::uuid and s.user_id = ${userId}::uuid
       and s.revoked_at is null and s.expires_at > ${now}`;
  const role = roles.find((known) => known === session?.role);
  if (!session || !role) return null;
  const { contactsOf, campaignsOf, ...known } = session;
  const actor = { type: 'PERSON', id: userId } as const;
  const permissions = known.owesFactor ? permissionsWithoutFactor : permissionsOf(role);
  const sees = { contactsOf, campaignsOf };
  return { tenantId, actor, origin, permissions, sees, userId, sessionId, ...known, role };
}

type KeyRow = { secretHash: Uint8Array; scopes: string[]; allowedRanges: string[]; masks: boolean };

/** Of a key with this secret that is neither revoked nor expired, asked with from where it may be. */
async function findKey(tx: Tx, claims: KeyClaims, origin: Origin | null, now: Date): Promise<KeyViewer | null> {
  const { tenantId, apiKeyId, secretHash } = claims;
  const [key] = await tx.$queryRaw<KeyRow[]>`
    select k.secret_hash as "secretHash", k.scopes, k.allowed_ranges as "allowedRanges", t.mask_for_sellers as masks
      from api_keys k join tenants t on t.id = k.tenant_id
     where k.tenant_id = ${tenantId}::uuid and k.id = ${apiKeyId}::uuid
       and k.revoked_at is null and (k.expires_at is null or k.expires_at > ${now})`;
  if (!key || !timingSafeEqual(key.secretHash, secretHash)) return null;
  if (!isWithin(key.allowedRanges, origin?.address ?? null)) return null;
  const actor = { type: 'API_KEY', id: apiKeyId } as const;
  const permissions = permissionsOfKey(key.scopes);
  const isMasked = key.masks && !permissions.has('contacts.reveal'); // whoever gives that scope says that it need not ask each time
  return { tenantId, actor, origin, permissions, sees: {}, isMasked, apiKeyId };
}
