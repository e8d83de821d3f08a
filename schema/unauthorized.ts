import { GraphQLError } from 'graphql';
import { isPerson, type Viewer } from '../domain/auth/viewer.ts';

/** Nobody is signed in, or whoever is may not do this: the refusals that are not part of a mutation's result. */
export class UnauthorizedError extends GraphQLError {
  constructor(viewer: Viewer | null) {
    const [code, message] = refusal(viewer);
    super(message, { extensions: { code } });
  }
}

function refusal(viewer: Viewer | null): [code: string, message: string] {
  if (!viewer) return ['UNAUTHENTICATED', 'Please sign in.'];
  return isPerson(viewer) && viewer.owesFactor
    ? ['SECOND_FACTOR_SETUP_REQUIRED', 'This tenant asks for a second factor. Please set one up first.']
    : ['FORBIDDEN', 'You may not do this.'];
}
