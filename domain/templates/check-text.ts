import type { ComponentDraft, Report } from './draft.ts';
import { type ParameterFormat, variablesIn } from './parameters.ts';

/** The examples of a text's variables as Meta takes them, under the names that it has for header and body. */
export type WireExamples = Record<string, unknown>;

/**
 * Checks the variables of a text (reference: whatsapp-cloud-api, section 4.2): numbered from 1 without a gap, or named in lower case, never both,
 * with an example for each. Gives the examples for Meta; nothing where there are none.
 */
export function checkVariables(
  part: 'header' | 'body',
  text: string,
  format: ParameterFormat,
  draft: ComponentDraft,
  at: string,
  report: Report,
): WireExamples {
  const names = variablesIn(text);
  if (text.replaceAll(/\{\{[^{}]*\}\}/g, '').match(/\{\{|\}\}/))
    report(`${at}.text`, 'The brackets of a variable are not closed: {{1}}.');
  checkNames(names, format, `${at}.text`, report);
  const { examples, namedExamples } = draft;
  if (format === 'NAMED') return namedFor(part, names, namedExamples ?? [], at, report);
  if ((examples?.length ?? 0) !== names.length)
    report(`${at}.examples`, `Expected ${names.length}: one for each variable, in the order of their numbers.`);
  for (const [index, example] of (examples ?? []).entries())
    if (example.trim() === '') report(`${at}.examples[${index}]`, 'Expected a text.');
  if (names.length === 0) return {};
  return { example: part === 'body' ? { body_text: [examples] } : { header_text: examples } };
}

function checkNames(names: string[], format: ParameterFormat, path: string, report: Report): void {
  if (format === 'POSITIONAL') {
    if (!names.every((name, index) => name === String(index + 1)))
      report(path, 'Expected variables {{1}}, {{2}} … without a gap. For names, set the parameter format to NAMED.');
    return;
  }
  const wrong = names.find((name) => !/^[a-z][a-z0-9_]*$/.test(name));
  if (wrong !== undefined)
    report(path, 'Expected names of lower-case letters, digits and underscores in the brackets, as {{first_name}}.');
}

function namedFor(
  part: 'header' | 'body',
  names: string[],
  given: NonNullable<ComponentDraft['namedExamples']>,
  at: string,
  report: Report,
): WireExamples {
  const examples = names.map((name) => ({
    param_name: name,
    example: given.find((one) => one.name === name)?.example ?? '',
  }));
  const missing = examples.filter(({ example }) => example.trim() === '').map(({ param_name: name }) => name);
  if (missing.length > 0) report(`${at}.namedExamples`, `Expected an example for ${missing.join(', ')}.`);
  for (const [index, { name }] of given.entries())
    if (!names.includes(name)) report(`${at}.namedExamples[${index}].name`, 'The text has no such variable.');
  return names.length === 0 ? {} : { example: { [`${part}_text_named_params`]: examples } };
}

/** Words beside the variables that Meta wants at least, for so many of them. */
const wordsFor = (variables: number) => 2 * variables + 1;

/** What only bodies must keep to: no variable at an end or beside another, and enough words between them. */
export function checkBodyShape(text: string, path: string, report: Report): void {
  if (/^\s*\{\{/.test(text) || /\}\}\s*$/.test(text))
    report(path, 'A variable may not stand at the beginning or the end.');
  if (/\}\}\s*\{\{/.test(text)) report(path, 'Two variables may not stand side by side: put words between them.');
  if (/\n{3,}/.test(text)) report(path, 'Expected at most two line breaks in a row.');
  if (/ {5,}|\t/.test(text)) report(path, 'Expected no tabs, and at most four spaces in a row.');
  const variables = variablesIn(text).length;
  const words = text
    .replaceAll(/\{\{[^{}]*\}\}/g, ' ')
    .split(/\s+/)
    .filter(Boolean).length;
  if (variables > 0 && words < wordsFor(variables))
    report(path, `Too many variables for so few words: expected at least ${wordsFor(variables)} words beside them.`);
}

/** A text that must be there and may only be so long; as it is counted: in characters, not in bytes. */
export function checkLength(text: string | null | undefined, max: number, path: string, report: Report): string {
  const given = text ?? '';
  if (given.trim() === '') report(path, `Expected 1 to ${max} characters.`);
  else if (given.length > max) report(path, `Expected at most ${max} characters, found ${given.length}.`);
  else if (!given.isWellFormed() || /[\p{Cc}--[\n\r\t]]/v.test(given)) report(path, 'Expected no control characters.');
  return given;
}
