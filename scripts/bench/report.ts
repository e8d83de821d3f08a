/** One line of a benchmark's result, as it is printed last in JSON. */
export type Row = {
  name: string;
  ours: number;
  unit: string;
  /** What the same run measured beside ours, or a limit. */
  reference: number;
  referenceName: string;
  ratio: number;
  budget: string;
  met: boolean;
};

/** Measures; says meanwhile what it is doing. */
export type Bench = (say: (line: string) => void) => Promise<Row[]>;

type Measured = Pick<Row, 'name' | 'ours' | 'unit' | 'reference' | 'referenceName'>;

/** What is to be reached: by the ratio of ours to the reference, or by ours alone. */
type Budget = { of: 'ratio' | 'ours' } & ({ atLeast: number } | { below: number });

/** A row that says by itself whether its budget was met. */
export function row(measured: Measured, budget: Budget): Row {
  const ratio = measured.ours / measured.reference;
  const value = budget.of === 'ratio' ? ratio : measured.ours;
  const [sign, bound, met] =
    'atLeast' in budget ? ['≥', budget.atLeast, value >= budget.atLeast] : ['<', budget.below, value < budget.below];
  const unit = budget.of === 'ours' ? ` ${measured.unit}` : '';
  return {
    ...measured,
    ours: round(measured.ours),
    reference: round(measured.reference),
    ratio: round(ratio),
    budget: `${sign} ${bound.toLocaleString('en')}${unit}`,
    met,
  };
}

const round = (value: number) => Number(value.toPrecision(4));

/** The rows for a person to read. */
export function table(rows: Row[]): string {
  const lines = [
    ['row', 'ours', 'reference', 'ratio', 'budget', 'met'],
    ...rows.map(({ name, ours, unit, reference, referenceName, ratio, budget, met }) => [
      name,
      `${ours.toLocaleString('en')} ${unit}`,
      `${reference.toLocaleString('en')} ${referenceName}`,
      String(ratio),
      budget,
      met ? 'yes' : 'NO',
    ]),
  ];
  const widths = lines[0]?.map((_, column) => Math.max(...lines.map((cells) => cells[column]?.length ?? 0))) ?? [];
  return lines.map((cells) => cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')).join('\n');
}
