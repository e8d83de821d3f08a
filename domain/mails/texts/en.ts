import type { Texts } from './texts.ts';

export const en: Texts = {
  locale: 'en',
  greeting: (name) => (name === undefined ? 'Hello,' : `Hello ${name},`),
  verifyEmail: {
    subject: 'Confirm your e-mail address',
    lines: ['Please confirm that this address is yours, so that we can reach you about your Parley account.'],
    link: 'Confirm the address',
    after: ['The link works for 3 days. If you did not sign up for Parley, ignore this mail.'],
  },
  resetPassword: {
    subject: 'Choose a new password',
    lines: ['Somebody, probably you, asked to choose a new password for your Parley account.'],
    link: 'Choose a new password',
    after: [
      'The link works once, for 30 minutes, and only the newest one does. Afterwards you are signed out everywhere.',
      'If it was not you, ignore this mail: your password stays as it is.',
    ],
  },
  invitation: (tenant, inviter) => ({
    subject: tenant === undefined ? 'You are invited to Parley' : `You are invited to ${tenant} on Parley`,
    lines: [
      `${inviter ?? 'A colleague'} invites you to work ${tenant === undefined ? 'with them' : `for ${tenant}`} on Parley.`,
    ],
    link: 'Accept the invitation',
    after: ['If you do not know who this is, ignore this mail: nothing happens then.'],
  }),
  notices: {
    'password-changed': {
      subject: 'Your password was changed',
      lines: ['The password of your Parley account was changed. All other devices were signed out.'],
    },
    'password-reset': {
      subject: 'Your password was reset',
      lines: ['A new password was chosen for your Parley account, by the link in a mail. All devices were signed out.'],
    },
    'session-reused': {
      subject: 'A session was ended for your safety',
      lines: [
        'A key to one of your Parley sessions was used a second time. Somebody may have copied it, so we ended that session.',
        'Please sign in again.',
      ],
    },
    'new-place': {
      subject: 'Your account was opened from a new place',
      lines: [
        'Somebody signed in to your Parley account from a place and a device that we have not seen with you before.',
      ],
    },
    'many-failures': {
      subject: 'Sign-in after many failed tries',
      lines: ['Somebody signed in to your Parley account after several tries with a wrong password.'],
    },
    'totp-enabled': {
      subject: 'Two-step sign-in is on',
      lines: ['Your Parley account now asks for a code from your authenticator app when you sign in.'],
    },
    'totp-disabled': {
      subject: 'Two-step sign-in is off',
      lines: ['Your Parley account no longer asks for a code from an authenticator app when you sign in.'],
    },
    'recovery-codes-renewed': {
      subject: 'New recovery codes',
      lines: ['New recovery codes were made for your Parley account. The old ones no longer work.'],
    },
    'recovery-code-used': {
      subject: 'A recovery code was used',
      lines: ['Somebody signed in to your Parley account with one of your recovery codes. It cannot be used again.'],
    },
    'google-linked': {
      subject: 'A Google account was linked',
      lines: ['Your Parley account can now be opened by signing in with Google.'],
    },
    'google-unlinked': {
      subject: 'A Google account was unlinked',
      lines: ['Your Parley account can no longer be opened by signing in with Google.'],
    },
    'role-changed': {
      subject: 'Your role was changed',
      lines: [
        'Somebody who manages your team on Parley gave you another role. What you may do there has changed with it.',
      ],
      after: ['Ask whoever manages your team if you did not expect this.'],
    },
    'member-removed': {
      subject: 'You no longer work for a team on Parley',
      lines: ['Your place in a team on Parley has ended, and all your sessions there with it. Your account stays.'],
      after: ['Ask whoever managed the team if you did not expect this.'],
    },
    'api-key-reported': {
      subject: 'A leaked API key was revoked',
      lines: [
        'Somebody reported one of your API keys as found in public. It was revoked at once: the program that used it no longer gets an answer.',
      ],
      after: [
        'Make a new key for that program, find out where the old one was seen, and look in the audit log for what was done with it.',
      ],
    },
  },
  facts: { when: 'When', device: 'Device', address: 'Internet address', tenant: 'Business' },
  notYou:
    'If this was you, there is nothing to do. If it was not, choose a new password at once and end all other sessions.',
  footer: 'You get this mail because of your Parley account. It is about the safety or the working of the account.',
};
