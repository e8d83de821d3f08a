import { builder } from './builder.ts';

/** The answer of every mutation that deletes. */
export const Deleted = builder.objectRef<{ id: string }>('Deleted').implement({
  description: 'That something was deleted.',
  fields: (t) => ({ id: t.exposeID('id', { description: 'The global id that it had.' }) }),
});
