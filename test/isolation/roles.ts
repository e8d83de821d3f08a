/**
 * Who may do what, operation by operation: decided here, by people, and by nothing that the product is made of. Those who ask for a tenant's
 * objects are its OWNER, an ADMIN, a SELLER, a key with every scope, a bare key with none; somebody who owns another tenant; and nobody who
 * is signed in.
 *
 * Of a key, the scope that it takes: it is done with every scope, and forbidden with every other one.
 *
 * `yes`: it is done. `no`: it is refused as forbidden. `none`: it is answered as if there were no such objects. `who?`: it is refused for want
 * of a signed-in caller. An outsider's `yes` is about the outsider's own tenant or account, and tells nothing of the other one.
 *
 * An operation that is new in the schema needs a line.
 */
const table = `
                          OWNER     ADMIN     SELLER    key              bare key  outsider  nobody

  # What is read
  viewer                  yes       yes       yes       tenant.read      no        yes       none
  node                    yes       yes       yes       contacts.read    no        none      who?
  nodes                   yes       yes       yes       contacts.read    no        none      who?
  tenant                  yes       yes       yes       tenant.read      no        yes       who?
  contacts                yes       yes       yes       contacts.read    no        none      who?
  tags                    yes       yes       yes       contacts.read    no        yes       who?
  customFields            yes       yes       yes       contacts.read    no        yes       who?
  segments                yes       yes       yes       segments.read    no        yes       who?
  segmentPreview          yes       yes       yes       segments.read    no        none      who?
  messages                yes       yes       yes       messages.read    no        yes       who?
  campaigns               yes       yes       yes       campaigns.read   no        yes       who?
  templates               yes       yes       yes       templates.read   no        yes       who?
  whatsAppAccounts        yes       yes       yes       whatsapp.read    no        yes       who?
  whatsAppNumbers         yes       yes       yes       whatsapp.read    no        yes       who?
  contactImports          yes       yes       no        contacts.import  no        yes       who?
  apiKeys                 yes       yes       no        no               no        yes       who?
  auditEntries            yes       yes       no        no               no        yes       who?

  # Anybody, signed in or not
  signUp                  yes       yes       yes       yes              yes       yes       yes
  signIn                  yes       yes       yes       yes              yes       yes       yes
  signInConfirm           yes       yes       yes       yes              yes       yes       yes
  googleSignInBegin       yes       yes       yes       yes              yes       yes       yes
  googleSignIn            yes       yes       yes       yes              yes       yes       yes
  googleSignUp            yes       yes       yes       yes              yes       yes       yes
  sessionRefresh          yes       yes       yes       yes              yes       yes       yes
  signOut                 yes       yes       yes       yes              yes       yes       yes
  apiKeyReport            yes       yes       yes       yes              yes       yes       yes
  emailVerify             yes       yes       yes       yes              yes       yes       yes
  passwordResetRequest    yes       yes       yes       yes              yes       yes       yes
  passwordReset           yes       yes       yes       yes              yes       yes       yes

  # One’s own account: people only
  sessions                yes       yes       yes       no               no        yes       who?
  sessionConfirm          yes       yes       yes       no               no        yes       who?
  sessionEnd              yes       yes       yes       no               no        yes       who?
  sessionsEndOthers       yes       yes       yes       no               no        yes       who?
  passwordChange          yes       yes       yes       no               no        yes       who?
  emailVerificationResend yes       yes       yes       no               no        yes       who?
  marketingMailSet        yes       yes       yes       no               no        yes       who?
  totpBegin               yes       yes       yes       no               no        yes       who?
  totpConfirm             yes       yes       yes       no               no        yes       who?
  totpDisable             yes       yes       yes       no               no        yes       who?
  recoveryCodesRenew      yes       yes       yes       no               no        yes       who?
  googleLink              yes       yes       yes       no               no        yes       who?
  googleUnlink            yes       yes       yes       no               no        yes       who?

  # The tenant
  tenantUpdate            yes       yes       no        no               no        yes       who?
  apiKeyCreate            yes       yes       no        no               no        yes       who?
  apiKeyRotate            yes       yes       no        no               no        none      who?
  apiKeyRevoke            yes       yes       no        no               no        none      who?
  auditExport             yes       yes       no        no               no        none      who?
  whatsAppConnect         yes       yes       no        no               no        yes       who?
  whatsAppNumberRefresh   yes       yes       no        no               no        none      who?

  # People
  members                 yes       yes       yes       no               no        yes       who?
  invitations             yes       yes       no        no               no        yes       who?
  invitationCreate        yes       yes       no        no               no        yes       who?
  invitationResend        yes       yes       no        no               no        none      who?
  invitationRevoke        yes       yes       no        no               no        none      who?
  invitationAccept        yes       yes       yes       yes              yes       yes       yes
  memberRoleSet           yes       yes       no        no               no        none      who?
  memberRemove            yes       yes       no        no               no        none      who?
  ownershipTransfer       yes       no        no        no               no        none      who?
  sessionSwitch           yes       yes       yes       no               no        none      who?

  # Contacts
  contactCreate           yes       yes       yes       contacts.write   no        none      who?
  contactUpdate           yes       yes       yes       contacts.write   no        none      who?
  contactUpsert           yes       yes       yes       contacts.write   no        none      who?
  contactBlock            yes       yes       yes       contacts.write   no        none      who?
  contactUnblock          yes       yes       yes       contacts.write   no        none      who?
  contactMerge            yes       yes       yes       contacts.write   no        none      who?
  contactUnmerge          yes       yes       yes       contacts.write   no        none      who?
  contactConsentSet       yes       yes       yes       contacts.write   no        none      who?
  contactTagsSet          yes       yes       yes       contacts.write    no        none      who?
  contactTagsAdd          yes       yes       yes       contacts.write    no        none      who?
  contactTagsRemove       yes       yes       yes       contacts.write    no        none      who?
  contactReveal           yes       yes       yes       contacts.reveal  no        none      who?
  contactNoteCreate       yes       yes       yes       contacts.write   no        none      who?
  contactNoteUpdate       yes       no        no        no               no        none      who?
  contactNoteDelete       yes       yes       no        contacts.write   no        none      who?
  contactAssign           yes       yes       no        contacts.assign  no        none      who?
  contactDelete           yes       yes       no        contacts.delete  no        none      who?
  uploadCreate            yes       yes       no        contacts.import  no        yes       who?
  contactsImport          yes       yes       no        contacts.import  no        none      who?
  contactsImportCancel    yes       yes       no        contacts.import  no        none      who?

  # What contacts are sorted by
  tagCreate               yes       yes       yes       contacts.write   no        yes       who?
  tagUpdate               yes       yes       no        settings.write   no        none      who?
  tagDelete               yes       yes       no        settings.write   no        none      who?
  customFieldCreate       yes       yes       no        settings.write   no        yes       who?
  customFieldUpdate       yes       yes       no        settings.write   no        none      who?
  customFieldDelete       yes       yes       no        settings.write   no        none      who?
  segmentCreate           yes       yes       no        segments.write   no        none      who?
  segmentUpdate           yes       yes       no        segments.write   no        none      who?
  segmentDelete           yes       yes       no        segments.write   no        none      who?

  # Messages
  messageSend             yes       yes       yes       messages.send    no        none      who?
  templateCreate          yes       yes       no        templates.write  no        none      who?
  templatesSync           yes       yes       no        templates.write  no        none      who?
  templateDelete          yes       yes       no        templates.write  no        none      who?
  campaignCreate          yes       yes       no        campaigns.write  no        none      who?
  campaignUpdate          yes       yes       no        campaigns.write  no        none      who?
  campaignDelete          yes       yes       no        campaigns.write  no        none      who?
  campaignLaunch          yes       yes       no        campaigns.write  no        none      who?
  campaignPause           yes       yes       no        campaigns.write  no        none      who?
  campaignResume          yes       yes       no        campaigns.write  no        none      who?
  campaignCancel          yes       yes       no        campaigns.write  no        none      who?
  campaignAssign          yes       yes       no        campaigns.write  no        none      who?
`;

export const askers = ['OWNER', 'ADMIN', 'SELLER', 'key', 'bare key', 'outsider', 'nobody'] as const;
export type Asker = (typeof askers)[number];

/** The lines of the table: of each operation, what each asker gets. */
export const rights: ReadonlyMap<string, readonly string[]> = new Map(
  table
    .split('\n')
    .slice(2)
    .flatMap((line) => {
      const [name, ...cells] = line.trim().split(/ +/);
      return name === undefined || name === '' || name === '#' ? [] : [[name, cells] as const];
    }),
);

/** Operations that a token opens: what they tell of its tenant is meant for whoever holds it. */
export const openedByToken: ReadonlySet<string> = new Set(['invitationAccept']);

/** Operations on what is the caller's own by itself: everybody tries them with one's own account or tenant. */
export const ofOnesOwn: ReadonlySet<string> = new Set([
  'signIn',
  'signInConfirm',
  'sessionRefresh',
  'signOut',
  'sessionConfirm',
  'sessionEnd',
  'sessionsEndOthers',
  'passwordChange',
  'emailVerificationResend',
  'marketingMailSet',
  'totpBegin',
  'totpConfirm',
  'totpDisable',
  'recoveryCodesRenew',
  'googleSignIn',
  'googleSignUp',
  'googleLink',
  'googleUnlink',
  'tenantUpdate',
]);

/** What nobody has to be signed in for. */
export const withoutSignIn: ReadonlySet<string> = new Set(
  [...rights].flatMap(([name, cells]) => (cells[askers.indexOf('nobody')] === 'who?' ? [] : [name])),
);

/** What somebody may do who owes the second factor that the tenant asks for: what nobody has to be signed in for, and the own account. */
export const withoutFactor: ReadonlySet<string> = new Set([
  ...withoutSignIn,
  'tenant',
  'sessions',
  'sessionConfirm',
  'sessionEnd',
  'sessionsEndOthers',
  'sessionSwitch',
  'passwordChange',
  'emailVerificationResend',
  'marketingMailSet',
  'totpBegin',
  'totpConfirm',
  'totpDisable',
  'recoveryCodesRenew',
  'googleLink',
  'googleUnlink',
]);
