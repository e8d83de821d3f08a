import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  getNamedType,
  getNullableType,
  type GraphQLCompositeType,
  type GraphQLField,
  type GraphQLSchema,
  isAbstractType,
  isCompositeType,
  isInterfaceType,
  isListType,
  isObjectType,
  Kind,
  type OperationDefinitionNode,
  type SelectionSetNode,
  type ValueNode,
} from 'graphql';
import { fieldCosts, introspectionCosts, listSizes, mutationCost } from '../schema/list-sizes.ts';

/** What the variables are, as they came. */
type Variables = Readonly<Record<string, unknown>>;

/** What an operation takes, known without running it. */
export type OperationCost = {
  /** In points: each field is one, and as many times as the lists around it are long. */
  points(variables: Variables): number;
  /** How many fields it asks for when every fragment is written out. */
  fields: number;
  /** How many there are side by side, at most. */
  breadth: number;
};

/** A page of a connection that says nothing of its size. */
const pageSizeDefault = 50;
/** A list that nobody has said a size of; no list of ours (the tests see to it). */
const listSizeDefault = 10;

/** The cost of a validated document's operation; worked out once for each document that is kept parsed. */
export function costOf(schema: GraphQLSchema, document: DocumentNode, name: string | null | undefined): OperationCost {
  const known = costs.get(document) ?? new Map<string, OperationCost>();
  costs.set(document, known);
  const operation = operationOf(document, name);
  const key = operation?.name?.value ?? '';
  let cost = known.get(key);
  if (!cost) known.set(key, (cost = operation ? measure(schema, document, operation) : nothing));
  return cost;
}

const costs = new WeakMap<DocumentNode, Map<string, OperationCost>>();
const nothing: OperationCost = { points: () => 1, fields: 0, breadth: 0 };

function operationOf({ definitions }: DocumentNode, name: string | null | undefined) {
  const operations = definitions.filter((one) => one.kind === Kind.OPERATION_DEFINITION);
  return name ? operations.find((one) => one.name?.value === name) : operations[0];
}

/** A number: one that is known from the document, or where on the tape the one stands that the variables decide. */
type Amount = number | { at: number };
type Step = (values: readonly number[], variables: Variables) => number;

/** Part of an operation: what it costs and how many fields it has. */
type Part = { points: Amount; fields: number };

function measure(schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode): OperationCost {
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const one of document.definitions) if (one.kind === Kind.FRAGMENT_DEFINITION) fragments.set(one.name.value, one);
  const defaults = new Map<string, ValueNode>();
  for (const { variable, defaultValue } of operation.variableDefinitions ?? []) {
    if (defaultValue) defaults.set(variable.name.value, defaultValue);
  }
  const tape = createTape();
  const spreads = new Map<Amount | undefined, Map<string, Part>>();
  let breadth = 0;

  /** What is selected of a type; `pageSize` is that of the connection whose own fields these are. */
  const selected = (set: SelectionSetNode, type: GraphQLCompositeType, pageSize: Amount | undefined): Part => {
    breadth = Math.max(breadth, set.selections.length);
    const always: Part[] = [];
    const byType = new Map<string, Part[]>(); // of one object, only what is said of its own type is read
    for (const selection of set.selections) {
      if (selection.kind === Kind.FIELD) {
        always.push(field(selection, type, pageSize));
        continue;
      }
      const isSpread = selection.kind === Kind.FRAGMENT_SPREAD;
      const fragment = isSpread ? fragments.get(selection.name.value) : selection;
      const condition = fragment?.typeCondition ? schema.getType(fragment.typeCondition.name.value) : type;
      if (!fragment || !isCompositeType(condition)) continue; // validation has seen to it
      const part = isSpread
        ? spread(selection.name.value, fragment.selectionSet, condition, pageSize)
        : selected(fragment.selectionSet, condition, pageSize);
      const isAlternative = isAbstractType(type) && isObjectType(condition);
      if (!isAlternative) always.push(part);
      else byType.set(condition.name, [...(byType.get(condition.name) ?? []), part]);
    }
    return together(tape, [
      ...always,
      dearest(
        tape,
        [...byType.values()].map((parts) => together(tape, parts)),
      ),
    ]);
  };

  /** Worked out once, however often it is spread: 60 fragments that each spread the next one twice take no longer than any others. */
  const spread = (name: string, set: SelectionSetNode, type: GraphQLCompositeType, pageSize: Amount | undefined) => {
    const known = spreads.get(pageSize) ?? new Map<string, Part>();
    spreads.set(pageSize, known);
    let part = known.get(name);
    if (!part) known.set(name, (part = selected(set, type, pageSize)));
    return part;
  };

  const field = (node: FieldNode, parent: GraphQLCompositeType, pageSize: Amount | undefined): Part => {
    const name = node.name.value;
    if (name.startsWith('__')) return { points: introspectionCosts[name] ?? 0, fields: 1 }; // graphql itself limits how deep it goes
    const definition = isObjectType(parent) || isInterfaceType(parent) ? parent.getFields()[name] : undefined;
    if (!definition) return { points: 1, fields: 1 };
    const own = (fieldCosts[name] ?? 1) + (parent === schema.getMutationType() ? mutationCost : 0);
    const type = getNamedType(definition.type);
    if (!node.selectionSet || !isCompositeType(type)) return { points: own, fields: 1 };
    const inner = selected(node.selectionSet, type, isPaged(definition) ? pageSizeOf(node, defaults, tape) : undefined);
    const times = isList(definition) ? (pageSize ?? listSizeOf(parent, node, defaults, tape)) : 1;
    return { points: tape.plus(own, tape.times(times, inner.points)), fields: upTo(1 + inner.fields) };
  };

  const root = schema.getRootType(operation.operation);
  const { points, fields } = root ? selected(operation.selectionSet, root, undefined) : { points: 1, fields: 0 };
  return { points: (variables) => Math.max(1, Math.ceil(tape.read(points, variables))), fields, breadth };
}

/** Numbers that JSON and subtraction can bear, whatever was multiplied. */
const upTo = (value: number) => Math.min(value, 1e15);

/** What the variables decide is written down as steps, each once, and worked out from the first to the last. */
function createTape() {
  const steps: Step[] = [];
  const of = (amount: Amount, values: readonly number[]) =>
    typeof amount === 'number' ? amount : (values[amount.at] ?? 0);
  const step = (one: Step): Amount => ({ at: steps.push(one) - 1 });
  const both = (a: Amount, b: Amount, work: (a: number, b: number) => number): Amount => {
    if (typeof a === 'number' && typeof b === 'number') return upTo(work(a, b));
    return step((values) => upTo(work(of(a, values), of(b, values))));
  };
  return {
    step,
    plus: (a: Amount, b: Amount) => both(a, b, (one, other) => one + other),
    times: (a: Amount, b: Amount) => both(a, b, (one, other) => one * other),
    max: (a: Amount, b: Amount) => both(a, b, Math.max),
    read(amount: Amount, variables: Variables): number {
      if (typeof amount === 'number') return amount;
      const values: number[] = [];
      for (const one of steps) values.push(one(values, variables));
      return of(amount, values);
    },
  };
}

type Tape = ReturnType<typeof createTape>;

function together(tape: Tape, parts: Part[]): Part {
  return parts.reduce(
    (sum, { points, fields }) => ({ points: tape.plus(sum.points, points), fields: upTo(sum.fields + fields) }),
    { points: 0, fields: 0 },
  );
}

function dearest(tape: Tape, parts: Part[]): Part {
  return parts.reduce(
    (sum, { points, fields }) => ({ points: tape.max(sum.points, points), fields: upTo(sum.fields + fields) }),
    { points: 0, fields: 0 },
  );
}

/** Whether a field is a connection: its arguments say how much of it is read. */
export function isPaged({ args }: GraphQLField<unknown, unknown>): boolean {
  return args.some(({ name }) => name === 'first') && args.some(({ name }) => name === 'last');
}

export function isList({ type }: GraphQLField<unknown, unknown>): boolean {
  return isListType(getNullableType(type));
}

type Defaults = ReadonlyMap<string, ValueNode>;

/** The larger of `first` and `last`; what is no size at all is refused when it is read. */
function pageSizeOf(node: FieldNode, defaults: Defaults, tape: Tape): Amount {
  const sizes = ['first', 'last'].map((name) => sizeOf(node, name, defaults, tape));
  const [first = -1, last = -1] = sizes;
  const asked = tape.max(first, last);
  if (typeof asked === 'number') return asked < 0 ? pageSizeDefault : asked;
  return tape.step((values) => {
    const size = values[asked.at] ?? -1;
    return size < 0 ? pageSizeDefault : size;
  });
}

function listSizeOf(parent: GraphQLCompositeType, node: FieldNode, defaults: Defaults, tape: Tape): Amount {
  const size = listSizes[`${parent.name}.${node.name.value}`] ?? listSizeDefault;
  if (typeof size === 'number') return size;
  return tape.max(1, sizeOf(node, size.argument, defaults, tape) ?? listSizeDefault); // one value may stand for a list of one
}

/** How much an argument asks for: a number by its value, a list by its length. Below zero where it says nothing. */
function sizeOf({ arguments: args }: FieldNode, name: string, defaults: Defaults, tape: Tape): Amount | undefined {
  const value = args?.find((one) => one.name.value === name)?.value;
  if (value?.kind !== Kind.VARIABLE) return value && sizeOfLiteral(value);
  const variable = value.name.value;
  const literal = defaults.get(variable);
  const byDefault = literal ? sizeOfLiteral(literal) : -1;
  return tape.step((_values, variables) => {
    const given = variables[variable];
    if (given === undefined) return byDefault;
    return typeof given === 'number' ? given : Array.isArray(given) ? given.length : -1;
  });
}

function sizeOfLiteral(value: ValueNode): number {
  if (value.kind === Kind.INT) return Number(value.value);
  return value.kind === Kind.LIST ? value.values.length : -1;
}
