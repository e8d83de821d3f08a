/** Why Meta rejected a template, for people (reference: whatsapp-cloud-api, section 4.3). */
const reasons: Readonly<Record<string, { title: string; action: string }>> = {
  ABUSIVE_CONTENT: { title: 'Abusive content', action: 'Take out what threatens or insults, then submit it anew.' },
  INVALID_FORMAT: {
    title: 'Wrong format',
    action: 'Look at variables, links and brackets: each variable needs words around it and an example.',
  },
  PROMOTIONAL: { title: 'It promotes something', action: 'Submit it as MARKETING.' },
  TAG_CONTENT_MISMATCH: {
    title: 'The words do not fit the category or the language',
    action: 'Choose the category and the language that its words are of.',
  },
  INCORRECT_CATEGORY: { title: 'Wrong category', action: 'Submit it in the category that Meta names.' },
  SCAM: { title: 'It looks like a fraud', action: 'Say clearly who writes and why; ask for no secrets or payments.' },
  NOT_SUBMITTED: { title: 'It never reached Meta', action: 'Create it again: the name is free.' },
};

export type ExplainedRejection = { reason: string; title: string; action: string };

export function explainRejection(reason: string): ExplainedRejection {
  const known = reasons[reason] ?? { title: reason, action: 'Look at the template in WhatsApp Manager.' };
  return { reason, ...known };
}
