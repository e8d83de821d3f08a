import { stringify } from 'csv-stringify/sync';

export type Fate = 'created' | 'updated' | 'skipped' | 'failed';

/** A file of contacts as shops really have them, and what an import has to make of each record. */
export type DemoFile = {
  csv: string;
  records: { fate: Fate; cells: string[] }[];
  known: { name: string; phone: string }[];
};

const header = ['Nome', 'Telefone', 'E-mail', 'Código', 'Etiquetas', 'Nascimento', 'Cidade'];
const firstNames = ['Ana', 'João', 'Conceição', 'Otávio', 'İpek', 'Siti', 'Nur', 'Zé', 'Åsa', 'María José'];
const lastNames = ['da Silva', 'Souza, Filho', 'O’Connor', '"Zeca" Lima', 'Yılmaz', 'binti Ahmad', 'Núñez', 'de Ávila'];
const cities = ['São Paulo', 'Recife', 'Belém', 'Porto Alegre'];

/**
 * Good, bad, doubled and odd records in a fixed mixture, the same for the same number. Of every 20 records: one belongs to somebody
 * known already, one says a person again in another way of writing the number, one is bad, two are odd but right.
 */
export function makeDemoFile(count: number): DemoFile {
  const records: DemoFile['records'] = [];
  const known: DemoFile['known'] = [];
  for (let index = 0; index < count; index += 1) {
    const cells = goodRecord(index);
    const kind = index % 20;
    if (kind === 3) {
      known.push({ name: `Known ${index}`, phone: phoneOf(index) });
      records.push({ fate: 'updated', cells });
    } else if (kind === 8) {
      // The person of an earlier record: without the ninth digit, and with another name.
      const earlier = phoneOf(index - 1);
      const without9 = earlier.replace(/^(\+55\d{2})9/, '$1');
      records.push({ fate: 'skipped', cells: ['Again', without9, ...cells.slice(2, 3), '', ...cells.slice(4)] });
    } else if (kind === 13) {
      records.push({ fate: 'failed', cells: spoil(cells, index) });
    } else if (kind === 15) {
      records.push({ fate: 'created', cells: [`=HYPERLINK("http://example.com","${cells[0]}")`, ...cells.slice(1)] });
    } else if (kind === 17) {
      records.push({ fate: 'created', cells: [`  ${cells[0]}\n(segunda linha) `, ...cells.slice(1)] });
    } else {
      records.push({ fate: 'created', cells });
    }
  }
  const csv = stringify([header, ...records.map(({ cells }) => cells)], {
    delimiter: ';',
    bom: true,
    record_delimiter: 'windows',
    quoted_match: /\n/,
  });
  return { csv, records, known };
}

/** A Brazilian mobile number of its own for each record. */
function phoneOf(index: number): string {
  return `+55${11 + (index % 9)}9${String(60_000_000 + index)}`;
}

function goodRecord(index: number): string[] {
  const pick = <T>(list: readonly T[], by: number): T => list[by % list.length] as T;
  const e164 = phoneOf(index);
  const local = `(${e164.slice(3, 5)}) ${e164.slice(5, 10)}-${e164.slice(10)}`;
  return [
    `${pick(firstNames, index)} ${pick(lastNames, index * 7)}`,
    index % 3 === 0 ? e164 : local,
    index % 4 === 0 ? `Cliente.${index}@Example.com` : '',
    `C-${index}`,
    index % 5 === 0 ? 'VIP, Varejo' : 'Varejo',
    index % 6 === 0 ? `19${60 + (index % 40)}-0${1 + (index % 9)}-1${index % 10}` : '',
    pick(cities, index),
  ];
}

/** One of the ways in which a record can be wrong. */
function spoil(cells: string[], index: number): string[] {
  const at = (column: number, value: string) => cells.map((cell, position) => (position === column ? value : cell));
  switch (((index / 20) % 3) | 0) {
    case 0:
      return at(1, '11 0000');
    case 1:
      return at(2, 'not an address');
    default:
      return at(5, '31/02/1990');
  }
}
