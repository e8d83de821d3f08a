import { blockFieldSuggestionsPlugin } from '@escape.tech/graphql-armor-block-field-suggestions';
import { maxAliasesPlugin } from '@escape.tech/graphql-armor-max-aliases';
import { maxDepthPlugin } from '@escape.tech/graphql-armor-max-depth';
import { maxDirectivesPlugin } from '@escape.tech/graphql-armor-max-directives';
import { maxTokensPlugin } from '@escape.tech/graphql-armor-max-tokens';
import { GraphQLError, Kind, type SelectionSetNode, type ValidationContext, type ValidationRule } from 'graphql';
import type { Plugin } from 'graphql-yoga';

export type QueryLimits = {
  depthMax: number;
  aliasesMax: number;
  tokensMax: number;
  directivesMax: number;
  rootFieldsMax: number;
};

/** How deep an input may be nested; the deepest of ours is a filter in a filter. */
const inputDepthMax = 50;

/** What a document and its variables may be at most, checked before anything runs. */
export function operationLimits(limits: QueryLimits, hideSuggestions: boolean): Plugin[] {
  const refuse = {
    onReject: [
      (_context: unknown, { message }: GraphQLError) => {
        throw tooMuch(message.replace(/^Syntax Error: /, ''));
      },
    ],
  };
  return [
    maxTokensPlugin({ n: limits.tokensMax, ...refuse }) as Plugin,
    maxDepthPlugin({ n: limits.depthMax, ignoreIntrospection: true, flattenFragments: true, ...refuse }) as Plugin, // graphql itself limits introspection
    maxAliasesPlugin({ n: limits.aliasesMax, allowList: [], ...refuse }) as Plugin,
    maxDirectivesPlugin({ n: limits.directivesMax, ...refuse }) as Plugin,
    {
      onValidate({ addValidationRule }) {
        addValidationRule(maxRootFields(limits.rootFieldsMax));
        addValidationRule(onlyText);
      },
      onExecute: ({ args }) => checkInput(args.variableValues),
    },
    ...(hideSuggestions ? [blockFieldSuggestionsPlugin() as Plugin] : []),
  ];
}

function tooMuch(message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code: 'COST_LIMIT' } });
}

/** How many fields one operation asks for at the top, fragments included: each mutation there is a transaction of its own. */
function maxRootFields(max: number): ValidationRule {
  return (context) => ({
    OperationDefinition({ selectionSet }) {
      const found = rootNames(context, selectionSet).size;
      if (found > max) throw tooMuch(`At most ${max} fields can be asked for at the top, found ${found}.`);
    },
  });
}

function rootNames(context: ValidationContext, top: SelectionSetNode): Set<string> {
  const names = new Set<string>();
  const seen = new Set<SelectionSetNode | undefined>();
  const sets: (SelectionSetNode | undefined)[] = [top];
  for (const set of sets) {
    if (!set || seen.has(set)) continue;
    seen.add(set);
    for (const selection of set.selections) {
      if (selection.kind === Kind.FIELD) names.add((selection.alias ?? selection.name).value);
      else if (selection.kind === Kind.INLINE_FRAGMENT) sets.push(selection.selectionSet);
      else sets.push(context.getFragment(selection.name.value)?.selectionSet);
    }
  }
  return names;
}

/** Texts that Postgres cannot keep (U+0000), or that no encoding can (half a character), are refused wherever they stand. */
const isText = (text: string) => !text.includes('\0') && text.isWellFormed();

const notText = (where: string) =>
  new GraphQLError(`${where} holds a character that no text can hold: U+0000, or half a surrogate pair.`, {
    extensions: { code: 'BAD_USER_INPUT' },
  });

const onlyText: ValidationRule = (context) => ({
  StringValue(node) {
    if (!isText(node.value)) context.reportError(notText('The document'));
  },
});

/** Checks the variables as they came, without recursion: they may be nested deeper than a stack. */
function checkInput(variables: unknown): void {
  const values: [value: unknown, path: string, depth: number][] = [[variables, '', 0]];
  for (let next = values.pop(); next; next = values.pop()) {
    const [value, path, depth] = next;
    if (depth > inputDepthMax) throw tooMuch(`The variables are nested deeper than ${inputDepthMax} levels.`);
    if (typeof value === 'string' && !isText(value)) throw notText(`The variable ${path}`);
    if (typeof value !== 'object' || value === null) continue;
    for (const [name, inner] of Object.entries(value)) {
      if (!isText(name)) throw notText('The name of a variable');
      values.push([inner, path ? `${path}.${name}` : name, depth + 1]);
    }
  }
}
