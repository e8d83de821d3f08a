/**
 * How long the lists of objects usually are that are no connections: what an operation is charged for one. (A connection is charged for
 * the page that it asks for.) Named by an argument, a list is as long as that argument.
 */
export const listSizes: Readonly<Record<string, number | { argument: string }>> = {
  'Query.nodes': { argument: 'ids' },
  'Query.customFields': 20,
  'Viewer.memberships': 2,
  'Contact.identities': 2,
  'Contact.tags': 5,
  'Contact.customFields': 10,
  'Contact.consents': 4,
  'Contact.merged': 2,
  'Segment.problems': 2,
  'Campaign.variables': 5,
  'CampaignPreflight.excluded': 5,
  'CampaignPreflight.warnings': 2,
  'ContactImportFormat.columns': 20,
  'WhatsAppAccount.numbers': 5,
  'Template.parameters': 5,
  'TemplateVersion.parameters': 5,
  'InvalidInputError.fields': 5,
  'ContactsAssigned.contacts': 50,
};

/** What one field costs that does more than read what has been found: everything else costs 1. */
export const fieldCosts: Readonly<Record<string, number>> = {
  totalCount: 20, // it counts the whole list
  preflight: 50, // it goes through a whole audience
};

/** What questions about the schema cost, where they are answered: whole, it is longer than any page. */
export const introspectionCosts: Readonly<Record<string, number>> = { __schema: 200, __type: 20 };

/** What each field of a mutation costs beside what it answers with. */
export const mutationCost = 10;
