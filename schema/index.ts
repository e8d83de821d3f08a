import { builder } from './builder.ts';
import './scalars.ts';
import './errors.ts';
import './node.ts';
import './auth.ts';
import './passwords.ts';
import './email-verification.ts';
import './sessions.ts';
import './marketing-mail.ts';
import './api-keys.ts';
import './second-factor.ts';
import './session-confirm.ts';
import './google.ts';
import './members.ts';
import './invitations.ts';
import './workplaces.ts';
import './tenants.ts';
import './uploads.ts';
import './contacts.ts';
import './contact-list.ts';
import './contact-changes.ts';
import './contact-consents.ts';
import './contact-merges.ts';
import './contact-reveal.ts';
import './contact-notes.ts';
import './contact-tags.ts';
import './tags.ts';
import './custom-fields.ts';
import './segments.ts';
import './whatsapp.ts';
import './templates.ts';
import './contact-imports.ts';
import './messages.ts';
import './message-send.ts';
import './campaigns.ts';
import './campaign-changes.ts';
import './audit.ts';
import './assignments.ts';

builder.queryType({ description: 'What can be read.' });
builder.mutationType({
  description:
    'What can be done. Each field answers with the object, or with a typed error; write mutations take an `idempotencyKey`.',
});

export const schema = builder.toSchema({ sortSchema: false });
