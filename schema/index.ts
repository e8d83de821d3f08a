import { builder } from './builder.ts';
import './scalars.ts';
import './errors.ts';
import './node.ts';
import './auth.ts';
import './tenants.ts';
import './uploads.ts';

builder.queryType({ description: 'What can be read.' });
builder.mutationType({
  description:
    'What can be done. Each field answers with the object, or with a typed error; write mutations take an `idempotencyKey`.',
});

export const schema = builder.toSchema({ sortSchema: false });
