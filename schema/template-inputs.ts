import { builder } from './builder.ts';
import { TemplateCategory, TemplateParameterFormat } from './template-types.ts';
import { idempotencyKey } from './write.ts';

const TemplateComponentType = builder.enumType('TemplateComponentType', {
  description: 'A part of a template.',
  values: {
    HEADER: { description: 'Above the text: a title, a medium or a place.' },
    BODY: { description: 'The text; every template has one.' },
    FOOTER: { description: 'Small, below the text.' },
    BUTTONS: { description: 'What can be tapped.' },
  } as const,
});

const TemplateHeaderFormat = builder.enumType('TemplateHeaderFormat', {
  description: 'What a header is.',
  values: {
    TEXT: { description: 'A title of at most 60 characters, with at most one variable.' },
    IMAGE: { description: 'An image.' },
    VIDEO: { description: 'A video.' },
    DOCUMENT: { description: 'A document.' },
    LOCATION: { description: 'A place on the map.' },
  } as const,
});

const TemplateButtonType = builder.enumType('TemplateButtonType', {
  description: 'What a button does.',
  values: {
    QUICK_REPLY: { description: 'Sends its label as an answer. Quick replies stand together.' },
    URL: { description: 'Opens a link, which may end with one variable. At most two.' },
    PHONE_NUMBER: { description: 'Calls a number. At most one.' },
    COPY_CODE: { description: 'Copies a code, which is filled in at sending. At most one.' },
    OTP: { description: 'Hands over a one-time code: the one button of an authentication template.' },
  } as const,
});

const TemplateOtpType = builder.enumType('TemplateOtpType', {
  description: 'How a one-time code reaches the app.',
  values: {
    COPY_CODE: { description: 'The person copies it.' },
    ONE_TAP: { description: 'A tap fills it in.' },
    ZERO_TAP: { description: 'It is filled in by itself.' },
  } as const,
});

const TemplateNamedExampleInput = builder.inputType('TemplateNamedExampleInput', {
  description: 'An example of a named variable.',
  fields: (t) => ({
    name: t.string({ required: true, description: 'The name, as in {{first_name}}.' }),
    example: t.string({ required: true, description: 'The example: Meta reviews with it, nobody is sent it.' }),
  }),
});

const TemplateSupportedAppInput = builder.inputType('TemplateSupportedAppInput', {
  description: 'An Android app that may take a one-time code.',
  fields: (t) => ({
    packageName: t.string({ required: true, description: 'As `com.example.shop`.' }),
    signatureHash: t.string({ required: true, description: 'The 11 characters of its signature.' }),
  }),
});

const TemplateButtonInput = builder.inputType('TemplateButtonInput', {
  description: 'A button; which fields count depends on its type.',
  fields: (t) => ({
    type: t.field({ type: TemplateButtonType, required: true, description: 'What it does.' }),
    text: t.string({ description: 'Its label, at most 25 characters; a COPY_CODE button has none.' }),
    url: t.string({ description: 'For URL: the link, which may end with {{1}}; at most 2,000 characters.' }),
    phoneNumber: t.string({ description: 'For PHONE_NUMBER: with the country code.' }),
    example: t.string({
      description:
        'For URL with a variable: the whole link with an example in it. For COPY_CODE: a code of at most 15 characters.',
    }),
    otpType: t.field({
      type: TemplateOtpType,
      description: 'For OTP: how the code reaches the app; COPY_CODE when left out.',
    }),
    supportedApps: t.field({
      type: [TemplateSupportedAppInput],
      description: 'For OTP by a tap: the apps that may take it.',
    }),
  }),
});

const TemplateComponentInput = builder.inputType('TemplateComponentInput', {
  description: 'A part of a template; which fields count depends on its type.',
  fields: (t) => ({
    type: t.field({ type: TemplateComponentType, required: true, description: 'Which part.' }),
    format: t.field({ type: TemplateHeaderFormat, description: 'For HEADER: what it is; TEXT when left out.' }),
    text: t.string({
      description: 'For a TEXT header, BODY and FOOTER. Not in authentication templates: Meta writes those.',
    }),
    examples: t.stringList({ description: 'One for each {{1}}, {{2}} … of the text, in that order.' }),
    namedExamples: t.field({ type: [TemplateNamedExampleInput], description: 'One for each {{name}} of the text.' }),
    headerHandle: t.string({
      description: 'For an IMAGE, VIDEO or DOCUMENT header: the handle of a sample from Meta’s resumable upload.',
    }),
    buttons: t.field({ type: [TemplateButtonInput], description: 'For BUTTONS: 1 to 10 of them.' }),
    addSecurityRecommendation: t.boolean({
      description: 'For the BODY of an authentication template: adds that the code is not to be shared.',
    }),
    codeExpirationMinutes: t.int({
      description: 'For the FOOTER of an authentication template: for how many minutes the code holds, 1 to 90.',
    }),
  }),
});

export const TemplateCreateInput = builder.inputType('TemplateCreateInput', {
  description: 'A new template. It is checked against Meta’s rules before Meta sees it.',
  fields: (t) => ({
    whatsAppAccountId: t.id({ required: true, description: 'The WhatsApp account that it is for.' }),
    name: t.string({ required: true, description: 'Lower-case letters, digits and underscores, at most 512.' }),
    language: t.string({ required: true, description: 'One of Meta’s languages, as `pt_BR`.' }),
    category: t.field({
      type: TemplateCategory,
      required: true,
      description: 'What it is for. Meta may decide otherwise.',
    }),
    parameterFormat: t.field({
      type: TemplateParameterFormat,
      description: 'How its variables are written; POSITIONAL when left out.',
    }),
    components: t.field({
      type: [TemplateComponentInput],
      required: true,
      description: 'Its parts, each at most once; BODY must be among them.',
    }),
    ttlSeconds: t.int({
      description:
        'For how long Meta tries to deliver it: 30 to 900 for AUTHENTICATION, 30 to 43,200 for UTILITY (both also -1: 30 days), 43,200 to 2,592,000 for MARKETING.',
    }),
    ...idempotencyKey(t),
  }),
});

export const TemplatesSyncInput = builder.inputType('TemplatesSyncInput', {
  description: 'Whose templates to compare.',
  fields: (t) => ({
    whatsAppAccountId: t.id({ required: true, description: 'The WhatsApp account.' }),
    ...idempotencyKey(t),
  }),
});

export const TemplateDeleteInput = builder.inputType('TemplateDeleteInput', {
  description: 'The template to delete: this language of it.',
  fields: (t) => ({ templateId: t.id({ required: true, description: 'Which template.' }), ...idempotencyKey(t) }),
});
