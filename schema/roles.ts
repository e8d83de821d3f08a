import { builder } from './builder.ts';

export const Role = builder.enumType('Role', {
  description: 'What a person may do in a tenant.',
  values: {
    OWNER: { description: 'Everything, closing the account included.' },
    ADMIN: { description: 'Everything but closing the account.' },
    SELLER: { description: 'Works with contacts and conversations.' },
  } as const,
});
