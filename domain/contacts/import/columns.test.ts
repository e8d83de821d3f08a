import { expect, test } from 'vitest';
import { type ColumnMapping, readColumns } from './columns.ts';

const custom = [
  { key: 'shoeSize', label: 'Número do sapato' },
  { key: 'vip', label: 'VIP desde' },
];
const targets = (header: string[], mapping: ColumnMapping[] = [], country = 'BR') =>
  readColumns(header, mapping, custom, country).map(({ target }) =>
    target === null ? null : 'field' in target ? target.field : `custom:${target.customField}`,
  );
const failure = (header: string[], mapping: ColumnMapping[] = []) => {
  try {
    return readColumns(header, mapping, custom, 'BR');
  } catch (error) {
    return error;
  }
};

test.each([
  [
    'en',
    'BR',
    ['First Name', 'lastName', 'Phone Number', 'E-Mail', 'Customer ID', 'Date of birth', 'ZIP code', 'State'],
  ],
  ['pt', 'BR', ['NOME', 'Sobrenome', 'Celular', 'e_mail', 'Código do Cliente', 'Data de Nascimento', 'CEP', 'UF']],
  [
    'es',
    'MX',
    [
      'Nombre',
      'Apellidos',
      'Teléfono móvil',
      'Correo electrónico',
      'ID Cliente',
      'Fecha de nacimiento',
      'Código postal',
      'Provincia',
    ],
  ],
  ['tr', 'TR', ['Adı', 'SOYADI', 'Cep Telefonu', 'E-posta', 'Müşteri No', 'Doğum Tarihi', 'Posta Kodu', 'İl']],
  ['ms', 'MY', ['Nama', 'Nama Akhir', 'No. Telefon', 'Emel', 'Kod Pelanggan', 'Tarikh Lahir', 'Poskod', 'Negeri']],
])('headers in %s are known', (_language, country, header) => {
  const found = targets(header, [], country);
  expect(['NAME', 'FIRST_NAME']).toContain(found[0]);
  expect(found.slice(1)).toEqual(['LAST_NAME', 'PHONE', 'EMAIL', 'EXTERNAL_ID', 'BIRTH_DATE', 'POSTAL_CODE', 'REGION']);
});

test('a word is read as the country means it', () => {
  expect(targets(['phone', 'CEP'], [], 'BR')).toEqual(['PHONE', 'POSTAL_CODE']);
  expect(targets(['Ad', 'Cep'], [], 'TR')).toEqual(['FIRST_NAME', 'PHONE']);
});

test('a custom field is known by its key or its label, before any word of ours', () => {
  expect(targets(['phone', 'shoe_size', 'Numero do Sapato', 'VIP DESDE'])).toEqual([
    'PHONE',
    'custom:shoeSize',
    null,
    'custom:vip',
  ]);
});

test('of two columns for one field the first counts; phones and tags may be several', () => {
  expect(targets(['phone', 'email', 'e-mail', 'celular', 'tags', 'labels'])).toEqual([
    'PHONE',
    'EMAIL',
    null,
    'PHONE',
    'TAGS',
    'TAGS',
  ]);
});

test('columns of one name, or of none, can be told apart and mapped', () => {
  const columns = readColumns(
    ['phone', 'x', 'x', '', ' '],
    [
      { column: 'x (2)', field: 'NAME' },
      { column: '(column 4)', field: 'EMAIL' },
    ],
    [],
    'BR',
  );
  expect(columns.map(({ name, header }) => [name, header])).toEqual([
    ['phone', 'phone'],
    ['x', 'x'],
    ['x (2)', 'x'],
    ['(column 4)', ''],
    ['(column 5)', ''],
  ]);
  expect(columns.map(({ target, isGuessed }) => [target, isGuessed])).toEqual([
    [{ field: 'PHONE' }, true],
    [null, false],
    [{ field: 'NAME' }, false],
    [{ field: 'EMAIL' }, false],
    [null, false],
  ]);
});

test('what is said goes before what is guessed', () => {
  const mapping: ColumnMapping[] = [
    { column: 'EMAIL', field: 'IGNORE' },
    { column: 'contato', field: 'PHONE' },
    { column: 'apelido', customField: 'vip' },
  ];
  expect(targets(['Contato', 'email', 'e-mail', 'Apelido'], mapping)).toEqual([
    'PHONE',
    'IGNORE',
    'EMAIL',
    'custom:vip',
  ]);
});

test('a mapping of columns or custom fields that are not there is refused by their names', () => {
  expect(
    failure(
      ['phone', 'b'],
      [
        { column: 'c', field: 'NAME' },
        { column: 'd', field: 'EMAIL' },
      ],
    ),
  ).toMatchObject({
    code: 'UNKNOWN_COLUMN',
    message: 'The mapping names columns that the file does not have: “c”, “d”. It has: “phone”, “b”.',
  });
  expect(failure(['phone'], [{ column: 'phone', customField: 'gone' }])).toMatchObject({
    code: 'UNKNOWN_CUSTOM_FIELD',
  });
});

test('a file without a column that says who a person is is refused', () => {
  expect(failure(['name', 'e-mail'])).toMatchObject({ code: 'NO_IDENTITY_COLUMN', line: 1 });
  for (const header of [['phone'], ['id'], ['username'], ['bsuid']]) expect(targets(header)).toHaveLength(1);
});

test('the columns that our error files add are ignored, unless somebody means them', () => {
  expect(targets(['phone', 'error_line', 'error'])).toEqual(['PHONE', null, null]);
  expect(targets(['phone', 'error'], [{ column: 'error', field: 'TAGS' }])).toEqual(['PHONE', 'TAGS']);
});
