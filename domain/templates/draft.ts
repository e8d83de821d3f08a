import type { ParameterFormat } from './parameters.ts';
import type { Category } from './limits.ts';

type Maybe<T> = T | null | undefined;

/** An example of a named variable. */
export type NamedExample = { name: string; example: string };

/** A part of a template as somebody wishes it; which fields count depends on its type. */
export type ComponentDraft = {
  type: 'HEADER' | 'BODY' | 'FOOTER' | 'BUTTONS';
  format?: Maybe<'TEXT' | 'IMAGE' | 'VIDEO' | 'DOCUMENT' | 'LOCATION'>;
  text?: Maybe<string>;
  /** One for each variable, in the order of their numbers. */
  examples?: Maybe<readonly string[]>;
  namedExamples?: Maybe<readonly NamedExample[]>;
  /** Of a sample that was uploaded to Meta. */
  headerHandle?: Maybe<string>;
  buttons?: Maybe<readonly ButtonDraft[]>;
  addSecurityRecommendation?: Maybe<boolean>;
  codeExpirationMinutes?: Maybe<number>;
};

export type ButtonDraft = {
  type: 'QUICK_REPLY' | 'URL' | 'PHONE_NUMBER' | 'COPY_CODE' | 'OTP';
  text?: Maybe<string>;
  url?: Maybe<string>;
  phoneNumber?: Maybe<string>;
  example?: Maybe<string>;
  otpType?: Maybe<'COPY_CODE' | 'ONE_TAP' | 'ZERO_TAP'>;
  supportedApps?: Maybe<readonly { packageName: string; signatureHash: string }[]>;
};

export type TemplateDraft = {
  name: string;
  language: string;
  category: Category;
  parameterFormat?: Maybe<ParameterFormat>;
  components: readonly ComponentDraft[];
  ttlSeconds?: Maybe<number>;
};

/** Says what is wrong, and where in the input. */
export type Report = (path: string, message: string) => void;
