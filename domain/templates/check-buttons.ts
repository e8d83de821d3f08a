import { type ButtonDraft, type Report } from './draft.ts';
import { checkLength } from './check-text.ts';
import { buttonsMax, lengths } from './limits.ts';
import { variablesIn } from './parameters.ts';

/** Checks the buttons of a template that has words of its own; gives them as Meta writes them. */
export function checkButtons(buttons: readonly ButtonDraft[], at: string, report: Report): unknown[] {
  if (buttons.length === 0) report(at, 'Expected a button, or no BUTTONS at all.');
  if (buttons.length > buttonsMax.all) report(at, `Expected at most ${buttonsMax.all} buttons.`);
  for (const type of ['URL', 'PHONE_NUMBER', 'COPY_CODE'] as const) {
    const places = buttons.flatMap((button, index) => (button.type === type ? [index] : []));
    const tooMany = places[buttonsMax[type]];
    if (tooMany !== undefined) report(`${at}[${tooMany}]`, `Expected at most ${buttonsMax[type]} of the type ${type}.`);
  }
  const replies = buttons.map(({ type }) => type === 'QUICK_REPLY');
  const turns = replies.filter((isReply, index) => index > 0 && isReply !== replies[index - 1]).length;
  if (turns > 1) report(at, 'Quick replies must stand together, before or behind all others.');
  return buttons.map((button, index) => checkButton(button, `${at}[${index}]`, report));
}

function checkButton(button: ButtonDraft, at: string, report: Report): unknown {
  const { type } = button;
  if (type === 'OTP') {
    report(`${at}.type`, 'Only an authentication template has an OTP button.');
    return {};
  }
  if (type === 'COPY_CODE') {
    const example = checkLength(button.example, lengths.copyCode, `${at}.example`, report);
    return { type, example };
  }
  const text = checkLength(button.text, lengths.buttonText, `${at}.text`, report);
  if (variablesIn(text).length > 0) report(`${at}.text`, 'A label has no variables.');
  if (type === 'PHONE_NUMBER') {
    const phone = button.phoneNumber ?? '';
    if (!/^\+?\d{5,19}$/.test(phone) || phone.length > lengths.phoneNumber)
      report(`${at}.phoneNumber`, 'Expected a number with its country code, as +5511987654321.');
    return { type, text, phone_number: phone };
  }
  return type === 'URL' ? { type, text, ...checkUrl(button, at, report) } : { type, text };
}

/** A link, with at most one variable, which ends it. */
function checkUrl({ url, example }: ButtonDraft, at: string, report: Report): { url: string; example?: string[] } {
  const link = checkLength(url, lengths.url, `${at}.url`, report);
  const variables = variablesIn(link);
  const isLink = (text: string) => /^https?:\/\/\S+$/.test(text) && URL.canParse(text);
  if (!isLink(link.replaceAll(/\{\{[^{}]*\}\}/g, 'x')))
    report(`${at}.url`, 'Expected a link, as https://shop.example/orders/{{1}}.');
  if (variables.length > 1 || (variables.length === 1 && !(variables[0] === '1' && link.endsWith('{{1}}'))))
    report(`${at}.url`, 'Expected at most one variable, {{1}}, at the end.');
  if (variables.length === 0) return { url: link };
  if (!isLink(example ?? '')) report(`${at}.example`, 'Expected the whole link with an example in it.');
  return { url: link, example: [example ?? ''] };
}

/** The one button of an authentication template. */
export function checkOtpButton(buttons: readonly ButtonDraft[], at: string, report: Report): unknown[] {
  const [button, ...others] = buttons;
  if (button?.type !== 'OTP' || others.length > 0) {
    report(at, 'An authentication template has one button, of the type OTP.');
    return [];
  }
  const { otpType = 'COPY_CODE', supportedApps, text } = button;
  if (text) checkLength(text, lengths.buttonText, `${at}[0].text`, report);
  const apps = supportedApps ?? [];
  if (otpType !== 'COPY_CODE' && apps.length === 0)
    report(`${at}[0].supportedApps`, 'Expected the app that takes the code.');
  for (const [index, { packageName, signatureHash }] of apps.entries()) {
    if (!/^[A-Za-z]\w*(\.[A-Za-z]\w*)+$/.test(packageName))
      report(
        `${at}[0].supportedApps[${index}].packageName`,
        'Expected the name of an Android package, as com.example.shop.',
      );
    if (!/^[A-Za-z0-9+/]{11}$/.test(signatureHash))
      report(`${at}[0].supportedApps[${index}].signatureHash`, 'Expected the 11 characters of the app’s signature.');
  }
  return [
    {
      type: 'OTP',
      otp_type: otpType ?? 'COPY_CODE',
      ...(text ? { text } : {}),
      ...(apps.length > 0
        ? { supported_apps: apps.map((app) => ({ package_name: app.packageName, signature_hash: app.signatureHash })) }
        : {}),
    },
  ];
}
