import { GraphQLError } from 'graphql';

/** Nobody is signed in, or whoever is may not do this: the two refusals that are not part of a mutation's result. */
export class UnauthorizedError extends GraphQLError {
  constructor(isSignedIn: boolean) {
    super(isSignedIn ? 'You may not do this.' : 'Please sign in.', {
      extensions: { code: isSignedIn ? 'FORBIDDEN' : 'UNAUTHENTICATED' },
    });
  }
}
