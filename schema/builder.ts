import SchemaBuilder from '@pothos/core';
import ErrorsPlugin from '@pothos/plugin-errors';
import PrismaPlugin from '@pothos/plugin-prisma';
import RelayPlugin from '@pothos/plugin-relay';
import ScopeAuthPlugin from '@pothos/plugin-scope-auth';
import type { Google } from '../connectors/google/google.ts';
import type { Meta } from '../connectors/whatsapp/meta.ts';
import type { AuthKeys } from '../domain/auth/keys.ts';
import type { HashParameters } from '../domain/auth/password.ts';
import type { Permission } from '../domain/auth/permissions.ts';
import { isPerson, may, type Viewer } from '../domain/auth/viewer.ts';
import type { Keyring } from '../domain/connections/keyring.ts';
import type { AttemptLimits } from '../domain/limits/attempts.ts';
import type { Tx } from '../prisma/client.ts';
import type PrismaTypes from '../prisma/generated/pothos.ts';
import { getDatamodel } from '../prisma/generated/pothos.ts';
import './attempts.ts';
import type { Operation } from './operation.ts';
import { UnauthorizedError } from './unauthorized.ts';

/** What every resolver is given. */
export type Context = Operation & {
  requestId: string;
  services: Services;
};

/** What the API is built with and the schema hands on to the domain. */
export type Services = {
  now: () => Date;
  publicUrl: string;
  /** What signs access tokens and seals derived secrets. */
  keys: AuthKeys;
  /** What seals and opens the credentials of partners. */
  keyring: Keyring;
  /** How passwords are hashed. */
  hashing: HashParameters;
  /** Whether mails are sent; where they are not, whoever needs one is told. */
  hasMail: boolean;
  /** How often something sensitive may be tried. */
  attempts: AttemptLimits;
  /** The way to Meta; null when it is off. */
  meta: Meta | null;
  /** The way to sign in with Google; null when it is off. */
  google: Google | null;
  limits: {
    uploadBytesMax: number;
    uploadExpiresSeconds: number;
    /** How long a proof of who somebody is counts as fresh. */
    stepUpSeconds: number;
  };
};

export type SchemaTypes = {
  Context: Context;
  PrismaTypes: PrismaTypes;
  DefaultFieldNullability: false;
  DefaultInputFieldRequiredness: false;
  AuthScopes: { public: boolean; signedIn: boolean; person: boolean; may: Permission };
  Scalars: {
    ID: { Input: string; Output: string };
    DateTime: { Input: Date; Output: Date };
    Date: { Input: Date; Output: Date };
    JSON: { Input: unknown; Output: unknown };
  };
  Connection: { totalCount?: () => Promise<number> };
};

export const builder = new SchemaBuilder<SchemaTypes>({
  plugins: [ScopeAuthPlugin, ErrorsPlugin, RelayPlugin, PrismaPlugin, 'attempts'],
  defaultFieldNullability: false,
  prisma: {
    client: (context) => context.tx as never,
    dmmf: getDatamodel(),
    maxConnectionSize: 100,
    defaultConnectionSize: 50,
    exposeDescriptions: false,
    onUnusedQuery: null,
  },
  relay: {
    clientMutationId: 'omit',
    cursorType: 'String',
    nodesOnConnection: { description: 'The objects of this page.' },
    // node.ts has its own: a malformed id is null there too.
    nodeQueryOptions: false,
    nodesQueryOptions: false,
    nodeTypeOptions: { description: 'An object that can be looked up by its id.' },
    idFieldOptions: { description: 'The global id: opaque, and the same for ever.' },
    pageInfoTypeOptions: { description: 'Where a page of a list stands.' },
    hasNextPageFieldOptions: { description: 'Whether more follows.' },
    hasPreviousPageFieldOptions: { description: 'Whether something comes before.' },
    startCursorFieldOptions: { description: 'The cursor of the first edge.' },
    endCursorFieldOptions: { description: 'The cursor of the last edge: `after` it comes the next page.' },
    firstArgOptions: { description: 'How many from the beginning: at most 100, 50 if left out.' },
    afterArgOptions: { description: 'Behind which cursor to go on, with `first`.' },
    lastArgOptions: { description: 'How many from the end: at most 100.' },
    beforeArgOptions: { description: 'Before which cursor to go on, with `last`.' },
    edgesFieldOptions: { description: 'The objects of this page, each with its cursor.' },
    nodesFieldOptions: { description: 'The objects of this page.' },
    pageInfoFieldOptions: { description: 'Where this page stands in the list.' },
    nodeFieldOptions: { description: 'The object.' },
    cursorFieldOptions: { description: 'Where it stands in the list; it stays good when the object is deleted.' },
  },
  errors: {
    directResult: true,
    defaultTypes: [],
    defaultUnionOptions: { name: ({ fieldName }) => `${fieldName[0]?.toUpperCase()}${fieldName.slice(1)}Result` },
  },
  scopeAuth: {
    runScopesOnType: true,
    authScopes: (context) => ({
      public: true,
      signedIn: async () => (await context.viewer()) !== null,
      person: async () => isPerson(await context.viewer()),
      may: async (permission) => {
        const viewer = await context.viewer();
        return viewer !== null && may(viewer, permission);
      },
    }),
    unauthorizedError: (_parent, context) => new UnauthorizedError(context.knownViewer()),
  },
});

/** What an input type's fields are made with: for fields that several inputs share. */
export type InputFields = PothosSchemaTypes.InputFieldBuilder<
  PothosSchemaTypes.ExtendDefaultTypes<SchemaTypes>,
  'InputObject'
>;

export type { Tx, Viewer };
