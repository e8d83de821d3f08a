/**
 * What each mutation leaves in the audit log: its action and the type of what it is done to (the object that it answers with, unless
 * `of` names the input that holds its id; null: the tenant). Or why it leaves nothing. A mutation that is new in the schema belongs here.
 */
export type Audited = {
  action: string;
  target: string;
  of?: string | null;
  /** The field of the answer that holds the object, where the answer is not the object itself. */
  within?: string;
  /** Nobody has to be signed in for it: it is the deed of the system, or of the person who it makes a member. */
  by?: 'the system' | 'who joins';
  /** It is done to the person who asks. */
  self?: true;
};

const anEdit = 'An edit of what is there: nobody gains a right, nothing is spent and nothing is lost.';
const aDraft = 'Something new of one’s own that does nothing by itself.';
const ownRecord = 'Is its own record: ';

export const audited: Readonly<Record<string, Audited | { because: string }>> = {
  signUp: { because: 'Makes the tenant: there is nobody else yet whom it could concern.' },
  signIn: { because: `${ownRecord}a session, with its time, address and device.` },
  sessionRefresh: { because: 'Goes on with a session; reuse of a spent token ends it.' },
  signInConfirm: { because: `${ownRecord}a session, as a sign-in. A spent recovery code leaves an entry.` },
  googleSignInBegin: { because: 'Gives the way to Google: nobody is signed in by it.' },
  googleSignIn: { because: `${ownRecord}a session, as a sign-in.` },
  googleSignUp: { because: 'Makes the tenant, as a sign-up.' },
  googleLink: { action: 'google.link', target: 'User', self: true },
  googleUnlink: { action: 'google.unlink', target: 'User', self: true },
  sessionConfirm: { because: 'Proves who has the session: nothing is changed by it but the time of the proof.' },
  totpBegin: { action: 'totp.begin', target: 'User', self: true },
  totpConfirm: { action: 'totp.confirm', target: 'User', self: true },
  totpDisable: { action: 'totp.disable', target: 'User', self: true },
  recoveryCodesRenew: { action: 'recoveryCodes.renew', target: 'User', self: true },
  emailVerify: { action: 'email.verify', target: 'User', of: 'token', by: 'the system' },
  emailVerificationResend: { because: 'Only sends a mail.' },
  passwordResetRequest: { because: 'Only sends a mail, and tells nobody whether it does.' },
  passwordReset: { action: 'password.reset', target: 'User', of: 'token', by: 'the system' },
  passwordChange: { action: 'password.change', target: 'User', self: true },
  sessionEnd: { action: 'session.end', target: 'UserSession', of: 'sessionId' },
  sessionsEndOthers: { action: 'session.endOthers', target: 'User', self: true },
  marketingMailSet: { because: `${ownRecord}each choice is kept with its time.` },
  signOut: { because: 'Gives up one’s own session.' },
  tenantUpdate: { action: 'tenant.update', target: 'Tenant' },

  apiKeyCreate: { action: 'apiKey.create', target: 'ApiKey', within: 'apiKey' },
  apiKeyRotate: { action: 'apiKey.rotate', target: 'ApiKey', of: 'apiKeyId' },
  apiKeyRevoke: { action: 'apiKey.revoke', target: 'ApiKey' },
  apiKeyReport: { action: 'apiKey.report', target: 'ApiKey', of: 'key', by: 'the system' },

  invitationCreate: { action: 'invitation.create', target: 'Invitation' },
  invitationResend: { action: 'invitation.resend', target: 'Invitation' },
  invitationRevoke: { action: 'invitation.revoke', target: 'Invitation' },
  invitationAccept: { action: 'invitation.accept', target: 'Member', within: 'user', by: 'who joins' },
  memberRoleSet: { action: 'member.setRole', target: 'Member' },
  memberRemove: { action: 'member.remove', target: 'Member' },
  ownershipTransfer: { action: 'ownership.transfer', target: 'Member' },
  sessionSwitch: { because: `${ownRecord}a session, with its time, address and device.` },

  tagCreate: { because: aDraft },
  tagUpdate: { because: anEdit },
  tagDelete: { action: 'tag.delete', target: 'Tag' },
  customFieldCreate: { because: aDraft },
  customFieldUpdate: { because: anEdit },
  customFieldDelete: { action: 'customField.delete', target: 'CustomField' },
  contactCreate: { because: aDraft },
  contactUpdate: { because: anEdit },
  contactUpsert: { because: anEdit },
  contactDelete: { action: 'contact.delete', target: 'Contact' },
  contactBlock: { action: 'contact.block', target: 'Contact' },
  contactUnblock: { action: 'contact.unblock', target: 'Contact' },
  contactMerge: { action: 'contact.merge', target: 'Contact', of: 'sourceId' },
  contactUnmerge: { action: 'contact.unmerge', target: 'Contact' },
  contactReveal: { action: 'contact.reveal', target: 'Contact' },
  contactNoteCreate: { because: aDraft },
  contactNoteUpdate: { because: anEdit },
  contactNoteDelete: { action: 'contactNote.delete', target: 'ContactNote' },
  contactTagsSet: { because: anEdit },
  contactTagsAdd: { because: anEdit },
  contactTagsRemove: { because: anEdit },
  contactConsentSet: { action: 'contactConsent.set', target: 'Contact' },
  contactAssign: { action: 'contact.assign', target: 'Contact', of: 'contactIds' },
  segmentCreate: { because: aDraft },
  segmentUpdate: { because: anEdit },
  segmentDelete: { action: 'segment.delete', target: 'Segment' },

  whatsAppConnect: { action: 'whatsApp.connect', target: 'WhatsAppAccount' },
  whatsAppNumberRefresh: { because: 'Takes over what Meta says of a number.' },
  templateCreate: { because: 'Submits a text for review: nothing is sent with it.' },
  templatesSync: { because: 'Takes over what Meta says of templates.' },
  templateDelete: { action: 'template.delete', target: 'Template' },

  campaignCreate: { because: aDraft },
  campaignUpdate: { because: 'An edit of a draft.' },
  campaignDelete: { action: 'campaign.delete', target: 'Campaign' },
  campaignLaunch: { action: 'campaign.launch', target: 'Campaign' },
  campaignPause: { action: 'campaign.pause', target: 'Campaign' },
  campaignResume: { action: 'campaign.resume', target: 'Campaign' },
  campaignCancel: { action: 'campaign.cancel', target: 'Campaign' },
  campaignAssign: { action: 'campaign.assign', target: 'Campaign' },
  messageSend: { because: `${ownRecord}a message is kept with all that became of it.` },

  auditExport: { action: 'audit.export', target: 'Tenant', of: null },

  uploadCreate: { because: 'A place for a file: what comes in with it is written down by contactsImport.' },
  contactsImport: { action: 'contacts.import', target: 'ContactImport' },
  contactsImportCancel: { because: 'Stops one’s own work: what was done stays.' },
};
