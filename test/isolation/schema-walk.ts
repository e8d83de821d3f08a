import {
  getNamedType,
  getNullableType,
  type GraphQLField,
  type GraphQLInputType,
  type GraphQLNamedType,
  type GraphQLSchema,
  isAbstractType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
} from 'graphql';

type Field = GraphQLField<unknown, unknown>;
export type RootField = { name: string; operation: 'query' | 'mutation'; field: Field };

/** Every field that a client can begin with. */
export function rootFields(schema: GraphQLSchema): RootField[] {
  const of = (operation: RootField['operation'], type: ReturnType<GraphQLSchema['getQueryType']>) =>
    Object.values(type?.getFields() ?? {}).map((field) => ({ name: field.name, operation, field }));
  return [...of('query', schema.getQueryType()), ...of('mutation', schema.getMutationType())];
}

/** A place in the arguments of a root field that takes an id: `owner` names the input's own field, as `TagCondition.has`. */
export type IdPosition = { path: string[]; owner: string; isList: boolean };

/** Every such place, at any depth. An input that holds itself is entered once more, so that nesting is tried too. */
export function idPositions({ name, field }: RootField): IdPosition[] {
  const visit = (type: GraphQLInputType, path: string[], owner: string, within: string[]): IdPosition[] => {
    const nullable = getNullableType(type);
    if (isListType(nullable)) {
      return visit(nullable.ofType, path, owner, within).map((position) => ({
        ...position,
        isList: position.isList || position.path.length === path.length,
      }));
    }
    const named = getNamedType(type);
    if (named.name === 'ID') return [{ path, owner, isList: false }];
    if (!isInputObjectType(named) || within.filter((one) => one === named.name).length > 1) return [];
    return Object.values(named.getFields()).flatMap((inner) =>
      visit(inner.type, [...path, inner.name], `${named.name}.${inner.name}`, [...within, named.name]),
    );
  };
  return field.args.flatMap((arg) => visit(arg.type, [arg.name], `${name}.${arg.name}`, []));
}

/** The arguments with one value put in (a list takes one as its first, or a list as it is), and around it whatever its place requires. */
export function withValueAt(
  { field }: RootField,
  variables: Record<string, unknown>,
  path: string[],
  value: unknown,
): Record<string, unknown> {
  const put = (type: GraphQLInputType, before: unknown, [next, ...rest]: string[]): unknown => {
    const nullable = getNullableType(type);
    if (isListType(nullable)) {
      if (next === undefined && Array.isArray(value)) return value;
      const inner = put(nullable.ofType, Array.isArray(before) ? before[0] : undefined, [next ?? '', ...rest]);
      return Array.isArray(before) ? [inner, ...before.slice(1)] : [inner];
    }
    if (next === undefined || next === '') return value;
    const named = getNamedType(type);
    if (!isInputObjectType(named)) throw new Error(`There is no ${next} in ${named.name}.`);
    const inner = named.getFields()[next];
    if (!inner) throw new Error(`There is no ${next} in ${named.name}.`);
    const known = typeof before === 'object' && before !== null ? (before as Record<string, unknown>) : {};
    const kept = named.isOneOf ? {} : { ...required(named), ...known };
    return { ...kept, [next]: put(inner.type, known[next], rest) };
  };
  const [first = '', ...rest] = path;
  const arg = field.args.find(({ name }) => name === first);
  if (!arg) throw new Error(`There is no argument ${first}.`);
  return { ...variables, [first]: put(arg.type, variables[first], rest) };
}

/** The simplest value for each argument that must be given: of the right types, and of nothing that is there. */
export function simplestArguments({ field }: RootField): Record<string, unknown> {
  const needed = field.args.filter(({ type }) => isNonNullType(type));
  return Object.fromEntries(needed.map(({ name, type }) => [name, simplest(type)]));
}

/** The simplest value for each field that an input must have. */
function required(type: GraphQLNamedType): Record<string, unknown> {
  if (!isInputObjectType(type)) return {};
  const fields = Object.values(type.getFields());
  const needed = type.isOneOf ? fields.slice(0, 1) : fields.filter((field) => isNonNullType(field.type));
  return Object.fromEntries(needed.map((field) => [field.name, simplest(field.type)]));
}

function simplest(type: GraphQLInputType): unknown {
  if (isListType(getNullableType(type))) return [];
  const named = getNamedType(type);
  if (isEnumType(named)) return named.getValues()[0]?.name;
  if (isInputObjectType(named)) return required(named);
  return { Int: 1, Float: 1, Boolean: true }[named.name] ?? 'x';
}

/** Ids that a field below the top takes, as `Type.field(argument)`; and inputs named like ids of ours that are of another type. */
export function idsElsewhere(schema: GraphQLSchema, notOurs: readonly string[]): string[] {
  const types = Object.values(schema.getTypeMap()).filter(({ name }) => !name.startsWith('__'));
  const tops = [schema.getQueryType(), schema.getMutationType()];
  return types.flatMap((type) => {
    if (isInputObjectType(type)) {
      return Object.values(type.getFields())
        .filter((field) => /Ids?$/.test(field.name) && getNamedType(field.type).name !== 'ID')
        .map((field) => `${type.name}.${field.name}`)
        .filter((name) => !notOurs.includes(name));
    }
    if (!isObjectType(type) || tops.includes(type)) return [];
    return Object.values(type.getFields()).flatMap((field) =>
      idPositions({ name: field.name, operation: 'query', field }).map(
        ({ path }) => `${type.name}.${field.name}(${path.join('.')})`,
      ),
    );
  });
}

/** Everything that can be read of a type, down to so many objects below it; `seen` is told of each `Type.field`. */
export function selectionOf(
  schema: GraphQLSchema,
  type: GraphQLNamedType,
  depth: number,
  seen: (field: string) => void,
  alias: (field: string) => string = (field) => field,
): string {
  if (isLeafType(type)) return '';
  if (isAbstractType(type)) {
    // What has one name in several types of an interface need not be of one type.
    const apart = (of: string) => (field: string) =>
      isInterfaceType(type) && field !== 'id' ? `${of}_${field}: ${field}` : field;
    const members = schema
      .getPossibleTypes(type)
      .map((one) => `... on ${one.name} ${selectionOf(schema, one, depth, seen, apart(one.name))}`);
    return `{ __typename ${members.join(' ')} }`;
  }
  if (!isObjectType(type)) return '';
  const isList = type.name.endsWith('Connection') || type.name.endsWith('Edge');
  const fields = Object.values(type.getFields()).flatMap((field) => {
    const named = getNamedType(field.type);
    const isPaged = field.args.some(({ name }) => name === 'first');
    if (field.args.some((arg) => isNonNullType(arg.type))) return [];
    if (!isLeafType(named) && depth === 0 && !isList) return [];
    seen(`${type.name}.${field.name}`);
    // The objects of a page are read once, as its nodes.
    const below = type.name.endsWith('Edge') ? 0 : isList ? depth : depth - 1;
    return [`${alias(field.name)}${isPaged ? '(first: 5)' : ''} ${selectionOf(schema, named, below, seen)}`];
  });
  return `{ __typename ${fields.join(' ')} }`;
}

/** A list that is paged: a field of a root or of an object, by cursors. */
export type PagedField = { parent: string; field: Field };

export function pagedFields(schema: GraphQLSchema): PagedField[] {
  return Object.values(schema.getTypeMap())
    .filter(isObjectType)
    .flatMap((type) =>
      Object.values(type.getFields())
        .filter(({ args }) => args.some(({ name }) => name === 'after'))
        .map((field) => ({ parent: type.name, field })),
    );
}

/** The types that can be looked up by a global id. */
export function nodeTypes(schema: GraphQLSchema): string[] {
  const node = schema.getType('Node');
  return node && isAbstractType(node) ? schema.getPossibleTypes(node).map(({ name }) => name) : [];
}
