export const roles = ['OWNER', 'ADMIN', 'SELLER'] as const;
export type Role = (typeof roles)[number];

const everybody: readonly Role[] = roles;
const managers: readonly Role[] = ['OWNER', 'ADMIN'];
const owner: readonly Role[] = ['OWNER'];

/** Who may do what: the one table. */
const permissions = {
  'tenant.read': everybody,
  'tenant.write': managers,
  'members.read': everybody,
  'members.write': managers,
  'ownership.transfer': owner,
  'apiKeys.read': managers,
  'apiKeys.write': managers,
  'audit.read': managers,
  'contacts.read': everybody,
  'contacts.write': everybody,
  'contacts.assign': managers,
  'contacts.reveal': everybody,
  'contacts.delete': managers,
  'contacts.import': managers,
  'segments.read': everybody,
  'segments.write': managers,
  'settings.write': managers,
  'whatsapp.read': everybody,
  'whatsapp.write': managers,
  'templates.read': everybody,
  'templates.write': managers,
  'campaigns.read': everybody,
  'campaigns.write': managers,
  'messages.read': everybody,
  'messages.send': everybody,
} as const satisfies Record<string, readonly Role[]>;

export type Permission = keyof typeof permissions;

export const permissionNames = Object.keys(permissions) as Permission[];

const byRole = new Map<Role, ReadonlySet<Permission>>(
  roles.map((role) => [role, new Set(permissionNames.filter((permission) => permissions[permission].includes(role)))]),
);

export function permissionsOf(role: Role): ReadonlySet<Permission> {
  return byRole.get(role) ?? new Set();
}

/** What is left to a person who owes the second factor that the tenant asks for: to see which tenant that is, whatever the role. */
export const permissionsWithoutFactor: ReadonlySet<Permission> = new Set(['tenant.read']);

/** What an API key can be given. Never what concerns people, keys, credentials of partners or the account itself: that takes a person. */
export const keyPermissions = [
  'tenant.read',
  'contacts.read',
  'contacts.write',
  'contacts.assign',
  'contacts.reveal',
  'contacts.delete',
  'contacts.import',
  'segments.read',
  'segments.write',
  'settings.write',
  'whatsapp.read',
  'templates.read',
  'templates.write',
  'campaigns.read',
  'campaigns.write',
  'messages.read',
  'messages.send',
] as const satisfies readonly Permission[];

export type KeyPermission = (typeof keyPermissions)[number];

/** What a key with these scopes may do. A scope that keys can no longer be given is worth nothing. */
export function permissionsOfKey(scopes: readonly string[]): ReadonlySet<KeyPermission> {
  return new Set(keyPermissions.filter((permission) => scopes.includes(permission)));
}
