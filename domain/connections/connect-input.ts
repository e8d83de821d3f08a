import { createHash } from 'node:crypto';
import { problems } from '../errors.ts';

export type ConnectInput = {
  code?: string | null | undefined;
  accessToken?: string | null | undefined;
  wabaId?: string | null | undefined;
  phoneNumberId?: string | null | undefined;
  pin?: string | null | undefined;
};

/** A checked wish to connect: with one of the two grants, and which one it is in the input. */
export type Grant = { kind: 'code' | 'accessToken'; value: string; hash: Buffer<ArrayBuffer> };
export type CheckedConnect = {
  grant: Grant;
  wabaId: string | null;
  phoneNumberId: string | null;
  pin: string | null;
};

const grantLengthMax = 4_000;

export function checkConnect(input: ConnectInput): CheckedConnect {
  const found = problems();
  const code = input.code?.trim() ?? '';
  const accessToken = input.accessToken?.trim() ?? '';
  const [kind, value] = code === '' ? (['accessToken', accessToken] as const) : (['code', code] as const);
  if ((code === '') === (accessToken === ''))
    found.add('code', 'Expected either the code of an Embedded Signup or an access token.');
  else if (!/^[\x21-\x7E]+$/.test(value) || value.length > grantLengthMax) found.add(kind, 'This is none of Meta’s.');
  const id = (path: 'wabaId' | 'phoneNumberId') => {
    const given = input[path]?.trim() ?? '';
    if (given !== '' && !/^\d{5,32}$/.test(given)) found.add(path, 'Expected an id of Meta’s: digits only.');
    return given === '' ? null : given;
  };
  const [wabaId, phoneNumberId] = [id('wabaId'), id('phoneNumberId')];
  const pin = input.pin?.trim() ?? '';
  if (pin !== '' && !/^\d{6}$/.test(pin)) found.add('pin', 'Expected six digits.');
  found.throwIfAny();
  const hash = createHash('sha256').update(`${kind}:${value}`).digest();
  return { grant: { kind, value, hash }, wabaId, phoneNumberId, pin: pin === '' ? null : pin };
}
