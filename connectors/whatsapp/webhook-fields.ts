/** What an event is about, in our words. */
export type EventKind = 'STATUS' | 'MESSAGE' | 'PREFERENCE' | 'ERROR' | 'OTHER' | (typeof kinds)[keyof typeof kinds];

/** The fields that are about an account, its templates or its numbers; their values stay whole (reference: whatsapp-cloud-api, section 7.5). */
const kinds = {
  message_template_status_update: 'TEMPLATE_STATUS',
  message_template_quality_update: 'TEMPLATE_QUALITY',
  message_template_components_update: 'TEMPLATE_COMPONENTS',
  template_category_update: 'TEMPLATE_CATEGORY',
  template_correct_category_detection: 'TEMPLATE_MISCLASSIFIED',
  phone_number_quality_update: 'NUMBER_QUALITY',
  phone_number_name_update: 'NUMBER_NAME',
  security: 'NUMBER_SECURITY',
  business_username_updates: 'NUMBER_USERNAME',
  account_update: 'ACCOUNT_UPDATE',
  account_alerts: 'ACCOUNT_ALERT',
  account_review_update: 'ACCOUNT_REVIEW',
  account_settings_update: 'ACCOUNT_SETTINGS',
  business_capability_update: 'ACCOUNT_CAPABILITY',
} as const;

type Value = { readonly [name: string]: unknown };

export function kindOfField(field: string): EventKind {
  return Object.hasOwn(kinds, field) ? kinds[field as keyof typeof kinds] : 'OTHER';
}

/** The field of a value: as it was named, else by what the value looks like. Some samples leave it out, some name another one. */
export function fieldOf(named: unknown, value: Value): string {
  const has = (name: string) => value[name] !== undefined;
  const given = typeof named === 'string' && named !== '' ? named : undefined;
  if (has('new_quality_score') && (given === undefined || given.startsWith('message_template')))
    return 'message_template_quality_update';
  return given ?? shapes.find(([, fits]) => fits(has, value))?.[0] ?? 'unknown';
}

type Fits = (has: (name: string) => boolean, value: Value) => boolean;

/** From the most to the least particular. */
const shapes: readonly [field: string, fits: Fits][] = [
  ['user_preferences', (has) => has('user_preferences')],
  ['calls', (has) => has('calls')],
  ['history', (has) => has('history')],
  ['smb_message_echoes', (has) => has('message_echoes')],
  ['smb_app_state_sync', (has) => has('state_sync')],
  ['messages', (has) => has('statuses') || has('messages') || (has('metadata') && has('errors'))],
  ['message_template_components_update', (has) => has('message_template_element')],
  ['message_template_status_update', (has) => has('message_template_id') && has('event')],
  ['template_category_update', (has) => has('correct_category') || (has('new_category') && has('message_template_id'))],
  ['phone_number_name_update', (has) => has('decision') && has('requested_verified_name')],
  ['account_review_update', (has) => has('decision')],
  ['account_alerts', (has) => has('alert_info') || has('alert_type')],
  ['security', (has, { event }) => has('display_phone_number') && String(event).startsWith('PIN_')],
  ['phone_number_quality_update', (has) => has('display_phone_number') && has('event')],
  ['business_username_updates', (has) => has('display_phone_number') && has('username')],
  ['flows', (has) => has('flow_id')],
  ['account_update', (has) => has('event')],
  ['business_capability_update', (has) => has('max_daily_conversations_per_business')],
];
