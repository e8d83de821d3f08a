import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  getNamedType,
  type GraphQLField,
  type GraphQLNamedType,
  type GraphQLSchema,
  isEnumType,
  isInputObjectType,
  isIntrospectionType,
  isInterfaceType,
  isObjectType,
  isScalarType,
  isSpecifiedScalarType,
  isUnionType,
  printType,
} from 'graphql';
import { schema } from '../schema/index.ts';

export const schemaFile = join(import.meta.dirname, '..', 'schema', 'schema.graphql');

/** The schema as it is committed, in the order in which it is best read. */
export function printedSchema(): string {
  return `${inReadingOrder(schema).map(printType).join('\n\n')}\n`;
}

/**
 * What can be asked and done first; then one subject after another, in the order in which the code defines them: the object, what it is
 * made of, how it is listed, how it is changed; last what all of them share.
 */
export function inReadingOrder(schema: GraphQLSchema): GraphQLNamedType[] {
  const all = Object.values(schema.getTypeMap()).filter(
    (type) => !isIntrospectionType(type) && !isSpecifiedScalarType(type),
  );
  const roots = [schema.getQueryType(), schema.getMutationType()].filter((type) => !!type);
  const fields = roots.flatMap((root) => Object.values(root.getFields()));
  const subjects = new Map(fields.map((field) => [field, subjectOf(field, all)]));
  const isSubject = new Set(subjects.values());

  const successes = Map.groupBy(
    fields.filter(({ type }) => isUnionType(getNamedType(type))),
    (field) => partsOf(getNamedType(field.type)).find((part) => !isRefusal(part)),
  );
  const isShared = (type: GraphQLNamedType) =>
    isScalarType(type) ||
    isInterfaceType(type) ||
    isRefusal(type) ||
    type.name === 'PageInfo' ||
    (!isSubject.has(type) && new Set(successes.get(type)?.map((field) => subjects.get(field))).size > 1);
  const shared = new Set(all.filter(isShared));
  for (const type of shared) for (const part of partsOf(type)) if (!isSubject.has(part)) shared.add(part);

  const read = new Set<GraphQLNamedType>(roots);
  const readOn = (type: GraphQLNamedType) => {
    if (read.has(type) || shared.has(type) || isSpecifiedScalarType(type)) return;
    read.add(type);
    for (const part of partsOf(type)) if (!isSubject.has(part)) readOn(part);
  };
  for (const subject of all.filter((type) => isSubject.has(type))) {
    readOn(subject);
    for (const field of fields.filter((field) => subjects.get(field) === subject)) {
      for (const arg of field.args) readOn(getNamedType(arg.type));
      readOn(getNamedType(field.type));
    }
  }
  const restOn = (type: GraphQLNamedType) => {
    if (read.has(type) || isSpecifiedScalarType(type)) return;
    read.add(type);
    for (const part of partsOf(type)) if (!isScalarType(part)) restOn(part);
  };
  for (const isOfKind of [isInterfaceType, isObjectType, isUnionType, isInputObjectType, isEnumType, isScalarType]) {
    for (const type of all) if (isOfKind(type)) restOn(type);
  }
  return [...read];
}

/** What a field is about: the object whose name a mutation begins with, the node of a connection, else what it answers with. */
function subjectOf({ name, type }: GraphQLField<unknown, unknown>, all: GraphQLNamedType[]): GraphQLNamedType {
  const output = getNamedType(type);
  if (isUnionType(output)) {
    const named = all
      .filter((one) => isNode(one) && name.toLowerCase().startsWith(one.name.toLowerCase()))
      .toSorted((a, b) => b.name.length - a.name.length);
    return named[0] ?? output.getTypes().find((member) => !isRefusal(member)) ?? output;
  }
  const nodes = isObjectType(output) && output.name.endsWith('Connection') ? output.getFields()['nodes'] : undefined;
  return nodes ? getNamedType(nodes.type) : output;
}

const implementsInterface = (type: GraphQLNamedType, name: string) =>
  isObjectType(type) && type.getInterfaces().some((one) => one.name === name);
const isRefusal = (type: GraphQLNamedType) => implementsInterface(type, 'UserError');
const isNode = (type: GraphQLNamedType) => implementsInterface(type, 'Node');

/** What a type is made of, in its own order. */
function partsOf(type: GraphQLNamedType): GraphQLNamedType[] {
  if (isUnionType(type)) return [...type.getTypes()];
  if (isInputObjectType(type)) return Object.values(type.getFields()).map((field) => getNamedType(field.type));
  if (!isObjectType(type) && !isInterfaceType(type)) return [];
  return Object.values(type.getFields()).flatMap((field) => [
    ...field.args.map((arg) => getNamedType(arg.type)),
    getNamedType(field.type),
  ]);
}

if (import.meta.main) await writeFile(schemaFile, printedSchema());
