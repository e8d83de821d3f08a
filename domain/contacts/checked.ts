/** Why a value was not accepted. Codes are part of the API and of the error file: they are added, never renamed. */
export type ValueProblemCode =
  | 'REQUIRED'
  | 'TOO_LONG'
  | 'INVALID_CHARACTER'
  | 'INVALID_TYPE'
  | 'INVALID_PHONE'
  | 'INVALID_EMAIL'
  | 'INVALID_DATE'
  | 'AMBIGUOUS_DATE'
  | 'INVALID_NUMBER'
  | 'AMBIGUOUS_NUMBER'
  | 'INVALID_BOOLEAN'
  | 'INVALID_OPTION'
  | 'INVALID_LANGUAGE'
  | 'INVALID_COUNTRY'
  | 'INVALID_IDENTITY';

/** What is wrong with a value (`message`) and what would be right (`expected`); neither ever holds the value: it may be somebody's phone. */
export type ValueProblem = { code: ValueProblemCode; message: string; expected: string };

/** The value as it is stored, or why it is not. */
export type Checked<T> = { value: T; problem?: never } | { problem: ValueProblem; value?: never };

/** An empty text is no value. */
export const noValue: Checked<null> = Object.freeze({ value: null });

export function refusal(code: ValueProblemCode, message: string, expected: string): { problem: ValueProblem } {
  return Object.freeze({ problem: Object.freeze({ code, message, expected }) });
}
