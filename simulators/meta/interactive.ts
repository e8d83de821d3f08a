import { isObject, type Json, listOf, textOf } from '../json.ts';
import { refuse, type Refusal } from './errors.ts';
import { checkMedia } from './media.ts';
import type { PhoneNumber, World } from './world.ts';

const bodyMax: Record<string, number> = { list: 4_096 };
const withoutHeader = new Set([
  'product',
  'location_request_message',
  'request_contact_info',
  'catalog_message',
  'carousel',
]);
const textHeaderOnly = new Set(['list', 'product_list']);
const bodyOptional = new Set(['product', 'catalog_message', 'voice_call', 'call_permission_request']);

/** The rules of interactive messages (reference: whatsapp-cloud-api, section 2.4). */
export function checkInteractive(world: World, number: PhoneNumber, content: Json): Refusal | undefined {
  const type = textOf(content['type']);
  if (type === undefined) return refuse(131008, "Parameter 'interactive.type' is missing");
  const check = actions[type];
  if (!check) return refuse(131009, `Interactive type '${type}' is not valid`);
  const action = content['action'];
  if (!isObject(action)) return refuse(131008, "Parameter 'interactive.action' is missing");

  const body = textIn(content['body']);
  if (body === undefined && !bodyOptional.has(type))
    return refuse(131008, "Parameter 'interactive.body.text' is missing");
  return (
    tooLong('interactive.body.text', body, bodyMax[type] ?? 1_024) ??
    tooLong('interactive.footer.text', textIn(content['footer']), 60) ??
    checkHeader(world, number, type, content['header']) ??
    check(action)
  );
}

function textIn(part: unknown): string | undefined {
  return isObject(part) ? textOf(part['text']) : undefined;
}

function tooLong(name: string, text: string | undefined, max: number): Refusal | undefined {
  return text !== undefined && text.length > max
    ? refuse(131009, `Parameter '${name}' is longer than ${max} characters`)
    : undefined;
}

/** A text of a length: missing, or longer than it may be. */
function required(name: string, value: unknown, max: number): Refusal | undefined {
  const text = textOf(value);
  return text === undefined ? refuse(131008, `Parameter '${name}' is missing`) : tooLong(name, text, max);
}

function checkHeader(world: World, number: PhoneNumber, type: string, header: unknown): Refusal | undefined {
  if (header === undefined)
    return type === 'product_list' ? refuse(131008, "Parameter 'interactive.header' is missing") : undefined;
  if (!isObject(header)) return refuse(100, "Param interactive['header'] must be an object");
  if (withoutHeader.has(type)) return refuse(131009, `Interactive type '${type}' takes no header`);
  const kind = textOf(header['type']);
  if (kind === 'text') return required('interactive.header.text', header['text'], 60);
  if (kind !== 'image' && kind !== 'video' && kind !== 'document')
    return refuse(131009, "Parameter 'interactive.header.type' is not valid");
  if (textHeaderOnly.has(type)) return refuse(131009, `Interactive type '${type}' takes only a text header`);
  const media = header[kind];
  if (!isObject(media)) return refuse(131008, `Parameter 'interactive.header.${kind}' is missing`);
  const found = checkMedia(world, number, kind, media, 'interactive.header');
  return 'status' in found ? found : undefined;
}

const actions: Record<string, (action: Json) => Refusal | undefined> = {
  button: checkButtons,
  list: checkList,
  cta_url: checkUrl,
  flow: checkFlow,
  product: (action) =>
    required('action.catalog_id', action['catalog_id'], 100) ??
    required('action.product_retailer_id', action['product_retailer_id'], 100),
  product_list: checkProducts,
  catalog_message: (action) => named(action, 'catalog_message'),
  location_request_message: (action) => named(action, 'send_location'),
  request_contact_info: (action) => named(action, 'request_contact_info'),
  carousel: (action) => {
    const cards = listOf(action['cards']) ?? [];
    return cards.length < 2 || cards.length > 10 ? refuse(131009, 'A carousel has 2 to 10 cards') : undefined;
  },
  voice_call: () => undefined,
  call_permission_request: () => undefined,
  address_message: () => undefined,
};

function named(action: Json, name: string): Refusal | undefined {
  return action['name'] === name ? undefined : refuse(131009, `Parameter 'action.name' must be '${name}'`);
}

function unique(what: string, values: unknown[]): Refusal | undefined {
  return new Set(values).size < values.length ? refuse(131009, `Every ${what} must be another one`) : undefined;
}

function checkButtons(action: Json): Refusal | undefined {
  const buttons = listOf(action['buttons']) ?? [];
  if (buttons.length < 1 || buttons.length > 3)
    return refuse(131009, 'Invalid buttons count. Min allowed buttons: 1, Max allowed buttons: 3');
  const replies: Json[] = [];
  for (const button of buttons) {
    const reply = isObject(button) && button['type'] === 'reply' ? button['reply'] : undefined;
    if (!isObject(reply)) return refuse(131009, 'Every button is of type reply and has a reply');
    const wrong = required('button.reply.id', reply['id'], 256) ?? required('button.reply.title', reply['title'], 20);
    if (wrong) return wrong;
    replies.push(reply);
  }
  return (
    unique(
      'button id',
      replies.map((reply) => reply['id']),
    ) ??
    unique(
      'button title',
      replies.map((reply) => reply['title']),
    )
  );
}

function checkList(action: Json): Refusal | undefined {
  const wrongButton = required('action.button', action['button'], 20);
  if (wrongButton) return wrongButton;
  const sections = (listOf(action['sections']) ?? []).filter(isObject);
  if (sections.length < 1 || sections.length > 10) return refuse(131009, 'A list has 1 to 10 sections');
  const ids: unknown[] = [];
  for (const section of sections) {
    const wrongTitle =
      sections.length > 1
        ? required('section.title', section['title'], 24)
        : tooLong('section.title', textOf(section['title']), 24);
    if (wrongTitle) return wrongTitle;
    for (const row of (listOf(section['rows']) ?? []).filter(isObject)) {
      const wrong =
        required('row.id', row['id'], 200) ??
        required('row.title', row['title'], 24) ??
        tooLong('row.description', textOf(row['description']), 72);
      if (wrong) return wrong;
      ids.push(row['id']);
    }
  }
  if (ids.length < 1 || ids.length > 10) return refuse(131009, 'Total row count exceed max allowed count: 10');
  return unique('row id', ids);
}

function checkUrl(action: Json): Refusal | undefined {
  const parameters = action['parameters'];
  if (!isObject(parameters)) return refuse(131008, "Parameter 'action.parameters' is missing");
  const url = textOf(parameters['url']);
  if (url === undefined || !/^https?:\/\/\S+$/.test(url))
    return refuse(131009, "Parameter 'action.parameters.url' is not a URL");
  return named(action, 'cta_url') ?? required('action.parameters.display_text', parameters['display_text'], 20);
}

function checkFlow(action: Json): Refusal | undefined {
  const parameters = action['parameters'];
  if (!isObject(parameters)) return refuse(131008, "Parameter 'action.parameters' is missing");
  const hasId = textOf(parameters['flow_id']) !== undefined;
  const hasName = textOf(parameters['flow_name']) !== undefined;
  if (hasId === hasName) return refuse(131009, 'Exactly one of flow_id and flow_name is required');
  return named(action, 'flow') ?? required('action.parameters.flow_cta', parameters['flow_cta'], 30);
}

function checkProducts(action: Json): Refusal | undefined {
  const sections = (listOf(action['sections']) ?? []).filter(isObject);
  const products = sections.flatMap((section) => listOf(section['product_items']) ?? []);
  if (sections.length < 1 || sections.length > 10) return refuse(131009, 'A product list has 1 to 10 sections');
  if (products.length < 1 || products.length > 30) return refuse(131009, 'A product list has 1 to 30 products');
  return required('action.catalog_id', action['catalog_id'], 100);
}
