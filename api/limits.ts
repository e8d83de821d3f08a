import { blockFieldSuggestionsPlugin } from '@escape.tech/graphql-armor-block-field-suggestions';
import { maxAliasesPlugin } from '@escape.tech/graphql-armor-max-aliases';
import { maxDepthPlugin } from '@escape.tech/graphql-armor-max-depth';
import { maxDirectivesPlugin } from '@escape.tech/graphql-armor-max-directives';
import { maxTokensPlugin } from '@escape.tech/graphql-armor-max-tokens';
import { GraphQLError, Kind, type ValidationRule } from 'graphql';
import type { Plugin } from 'graphql-yoga';

export type QueryLimits = {
  depthMax: number;
  aliasesMax: number;
  tokensMax: number;
  directivesMax: number;
  rootFieldsMax: number;
};

/** What a document may be at most, checked before anything runs. */
export function documentLimits(limits: QueryLimits, hideSuggestions: boolean): Plugin[] {
  const refuse = (what: string) => ({
    exposeLimits: true,
    errorMessage: what,
    propagateOnRejection: true,
    onReject: [],
  });
  return [
    maxTokensPlugin({ n: limits.tokensMax, ...refuse('Too many tokens') }) as Plugin,
    maxDepthPlugin({
      n: limits.depthMax,
      ignoreIntrospection: true,
      flattenFragments: true,
      ...refuse('Too deep'),
    }) as Plugin,
    maxAliasesPlugin({ n: limits.aliasesMax, allowList: [], ...refuse('Too many aliases') }) as Plugin,
    maxDirectivesPlugin({ n: limits.directivesMax, ...refuse('Too many directives') }) as Plugin,
    { onValidate: ({ addValidationRule }) => addValidationRule(maxRootFields(limits.rootFieldsMax)) },
    ...(hideSuggestions ? [blockFieldSuggestionsPlugin() as Plugin] : []),
  ];
}

/** How many fields one operation asks for at the top: each mutation there is a transaction of its own. */
function maxRootFields(max: number): ValidationRule {
  return (context) => ({
    OperationDefinition(operation) {
      const fields = operation.selectionSet.selections.filter(({ kind }) => kind === Kind.FIELD);
      if (fields.length <= max) return;
      context.reportError(
        new GraphQLError(`Too many fields at the top: at most ${max}.`, {
          nodes: operation,
          extensions: { code: 'COST_LIMIT' },
        }),
      );
    },
  });
}
