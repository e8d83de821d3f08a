/** What a column of a file can be. */
export const importFields = [
  'NAME',
  'FIRST_NAME',
  'LAST_NAME',
  'PHONE',
  'EMAIL',
  'EXTERNAL_ID',
  'WHATSAPP_USER_ID',
  'USERNAME',
  'TAGS',
  'BIRTH_DATE',
  'LANGUAGE',
  'STREET',
  'CITY',
  'REGION',
  'POSTAL_CODE',
  'COUNTRY',
  'MARKETING_CONSENT',
  'SERVICE_CONSENT',
  'IGNORE',
] as const;
export type ImportField = (typeof importFields)[number];

/** A column is one of our fields, or a custom field by its key. */
export type Target = { field: ImportField } | { customField: string };

/** Several columns may be this at once: a person has two phones, tags stand in two columns. */
export const manyColumns: ReadonlySet<ImportField> = new Set(['PHONE', 'TAGS', 'IGNORE']);

/** By what a person is known again: a file needs a column for one of them. */
export const identifying: ReadonlySet<ImportField> = new Set(['PHONE', 'EXTERNAL_ID', 'WHATSAPP_USER_ID', 'USERNAME']);

/** What people call such a column, folded, in English, Portuguese, Spanish, Turkish and Malay. */
export const aliases: Partial<Record<ImportField, string>> = {
  NAME:
    'name, full name, contact, contact name, customer, customer name, client, client name, display name, ' +
    'nome, nome completo, nome do cliente, nome cliente, nome do contato, cliente, contato, ' +
    'nombre, nombre completo, nombre y apellido, nombre y apellidos, nombre del cliente, contacto, ' +
    'ad soyad, adi soyadi, isim, isim soyisim, musteri, musteri adi, kisi, ' +
    'nama, nama penuh, nama pelanggan, pelanggan, kenalan',
  FIRST_NAME:
    'first name, given name, forename, primeiro nome, prenome, nombres, primer nombre, nombre de pila, ad, adi, nama pertama, nama depan, nama diberi',
  LAST_NAME:
    'last name, surname, family name, sobrenome, ultimo nome, apellido, apellidos, soyad, soyadi, soyisim, nama akhir, nama keluarga, nama belakang',
  PHONE:
    'phone, phone number, phone no, telephone, telephone number, tel, mobile, mobile number, mobile phone, cell, cell phone, cellphone, whatsapp, whatsapp number, phone 1, phone 2, ' +
    'telefone, telefones, numero de telefone, numero do telefone, celular, telefone celular, numero do celular, fone, telemovel, numero de whatsapp, numero do whatsapp, telefone 1, telefone 2, ' +
    'telefono, telefonos, numero de telefono, movil, telefono movil, numero de celular, telefono 1, telefono 2, ' +
    'telefon, telefon no, telefon numarasi, telefon numara, cep telefonu, cep no, cep tel, gsm, gsm no, whatsapp numarasi, ' +
    'no telefon, nombor telefon, telefon bimbit, no telefon bimbit, no tel, no hp, nombor whatsapp',
  EMAIL:
    'email, e mail, mail, email address, e mail address, endereco de email, endereco de e mail, correo, correo electronico, eposta, e posta, e posta adresi, emel, alamat emel, alamat email',
  EXTERNAL_ID:
    'external id, id, customer id, client id, contact id, customer code, customer number, client code, code, reference, ref, ' +
    'id externo, codigo, cod, codigo do cliente, codigo cliente, cod cliente, id do cliente, id cliente, matricula, ' +
    'codigo de cliente, id de cliente, numero de cliente, referencia, ' +
    'harici id, musteri no, musteri kodu, musteri id, musteri numarasi, kod, ' +
    'id luaran, id pelanggan, kod pelanggan, no pelanggan',
  WHATSAPP_USER_ID: 'whatsapp user id, bsuid, business scoped user id',
  USERNAME: 'username, user name, whatsapp username, nome de usuario, nombre de usuario, kullanici adi, nama pengguna',
  TAGS: 'tags, tag, labels, label, etiquetas, etiqueta, marcadores, marcador, etiketler, etiket, tanda, label label',
  BIRTH_DATE:
    'birth date, birthdate, birthday, date of birth, dob, born, nascimento, data de nascimento, data nascimento, dt nascimento, aniversario, ' +
    'fecha de nacimiento, fecha nacimiento, nacimiento, cumpleanos, dogum tarihi, dogum gunu, tarikh lahir, hari lahir',
  LANGUAGE: 'language, locale, lang, preferred language, idioma, lingua, lengua, dil, bahasa',
  STREET:
    'street, street address, address, address 1, address line 1, endereco, rua, logradouro, direccion, calle, domicilio, adres, sokak, cadde, alamat, alamat 1, jalan',
  CITY: 'city, town, cidade, municipio, ciudad, localidad, poblacion, sehir, ilce, bandar, bandaraya, kota',
  REGION: 'region, state, province, county, estado, uf, provincia, eyalet, bolge, il, negeri',
  POSTAL_CODE:
    'postal code, postalcode, postcode, post code, zip, zip code, zipcode, cep, codigo postal, cp, posta kodu, poskod',
  COUNTRY: 'country, country code, pais, codigo do pais, codigo de pais, ulke, ulke kodu, negara, kod negara',
  MARKETING_CONSENT:
    'marketing consent, consent, opt in, optin, accepts marketing, consentimento, consentimento de marketing, aceita marketing, aceita receber mensagens, aceita whatsapp, ' +
    'consentimiento, consentimiento de marketing, acepta marketing, onay, izin, pazarlama izni, ticari ileti izni, persetujuan, persetujuan pemasaran, kebenaran',
  SERVICE_CONSENT:
    'service consent, consentimento de servico, consentimiento de servicio, hizmet izni, persetujuan perkhidmatan',
};

/** The same word in another country: a CEP is a postal code in Brazil and a mobile phone in Türkiye, an apelido a nickname or a surname. */
export const aliasesByCountry: Record<string, Record<string, ImportField>> = {
  TR: { cep: 'PHONE', 'tel no': 'PHONE', numara: 'PHONE', unvan: 'NAME' },
  PT: { apelido: 'LAST_NAME' },
};
