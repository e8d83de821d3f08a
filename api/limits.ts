import { maxAliasesPlugin } from '@escape.tech/graphql-armor-max-aliases';
import { maxDepthPlugin } from '@escape.tech/graphql-armor-max-depth';
import { maxDirectivesPlugin } from '@escape.tech/graphql-armor-max-directives';
import { maxTokensPlugin } from '@escape.tech/graphql-armor-max-tokens';
import {
  GraphQLError,
  Kind,
  NoSchemaIntrospectionCustomRule,
  type SelectionSetNode,
  type ValidationContext,
  type ValidationRule,
} from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { costOf, type OperationCost } from './cost.ts';

export type QueryLimits = {
  depthMax: number;
  aliasesMax: number;
  tokensMax: number;
  directivesMax: number;
  rootFieldsMax: number;
  /** Fields side by side, and in the whole operation with every fragment written out. */
  breadthMax: number;
  fieldsMax: number;
  /** Variables; values in them altogether, and in one list. */
  variablesMax: number;
  valuesMax: number;
  listMax: number;
};

/** How deep an input may be nested; the deepest of ours is a filter in a filter. */
const inputDepthMax = 50;

/** Directives in one place: `@include` and `@skip` are all that anybody needs there. */
const directivesTogetherMax = 4;

/** What a document and its variables may be at most, checked before anything runs. */
export function operationLimits(limits: QueryLimits): Plugin[] {
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
        addValidationRule(fewDirectivesTogether);
        addValidationRule(onlyText);
      },
      onExecute({ args: { schema, document, operationName, variableValues } }) {
        checkBreadth(costOf(schema, document, operationName), limits);
        checkInput(variableValues, limits);
      },
    },
  ];
}

/** Answers no question about the schema itself. */
export function hideSchema(): Plugin {
  return { onValidate: ({ addValidationRule }) => addValidationRule(NoSchemaIntrospectionCustomRule) };
}

function checkBreadth({ breadth, fields }: OperationCost, { breadthMax, fieldsMax }: QueryLimits): void {
  if (breadth > breadthMax) throw tooMuch(`At most ${breadthMax} fields may stand side by side, found ${breadth}.`);
  if (fields > fieldsMax) throw tooMuch(`At most ${fieldsMax} fields can be asked for, fragments written out.`);
}

export function tooMuch(message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code: 'COST_LIMIT', http: { status: 400, spec: true } } });
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

/** Each unknown one would be answered with an error of its own. */
const fewDirectivesTogether: ValidationRule = () => ({
  enter(node) {
    const found = 'directives' in node ? (node.directives?.length ?? 0) : 0;
    if (found > directivesTogetherMax) {
      throw tooMuch(`At most ${directivesTogetherMax} directives can stand in one place, found ${found}.`);
    }
  },
});

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
function checkInput(variables: unknown, { variablesMax, valuesMax, listMax }: QueryLimits): void {
  if (Object.keys(variables ?? {}).length > variablesMax) throw tooMuch(`At most ${variablesMax} variables are taken.`);
  const values: [value: unknown, path: string, depth: number][] = [[variables, '', 0]];
  let count = 0;
  for (let next = values.pop(); next; next = values.pop()) {
    const [value, path, depth] = next;
    if (depth > inputDepthMax) throw tooMuch(`The variables are nested deeper than ${inputDepthMax} levels.`);
    if (typeof value === 'string' && !isText(value)) throw notText(`The variable ${path}`);
    if (typeof value !== 'object' || value === null) continue;
    if (Array.isArray(value) && value.length > listMax) {
      throw tooMuch(`A list in the variables may have at most ${listMax} values.`);
    }
    for (const [name, inner] of Object.entries(value)) {
      if ((count += 1) > valuesMax) throw tooMuch(`The variables may hold at most ${valuesMax} values.`);
      if (!isText(name)) throw notText('The name of a variable');
      values.push([inner, path ? `${path}.${name}` : name, depth + 1]);
    }
  }
}
