/** What has become of an invitation. */
export function invitationStatus(
  { acceptedAt, revokedAt, expiresAt }: { acceptedAt: Date | null; revokedAt: Date | null; expiresAt: Date },
  now: Date,
): 'OPEN' | 'ACCEPTED' | 'REVOKED' | 'EXPIRED' {
  if (acceptedAt) return 'ACCEPTED';
  if (expiresAt <= now && (!revokedAt || revokedAt >= expiresAt)) return 'EXPIRED';
  return revokedAt ? 'REVOKED' : 'OPEN';
}
