import fc from 'fast-check';
import { expect, test } from '../test/fixtures.ts';
import { arrayLiteral, plainArrayLiteral } from './array-literal.ts';
import { inScope } from './client.ts';

test('a bound array literal is the array, whatever its elements', async ({ db }) => {
  const element = fc.oneof(
    fc.constantFrom(
      null,
      '',
      'NULL',
      'null',
      '{}',
      '{,}',
      '"',
      '\\',
      '\\"',
      "'",
      ' a ',
      '\n',
      '\t',
      'ç',
      '😀',
      ',',
      '"a","b"',
    ),
    fc.string({ unit: 'grapheme' }).filter((text) => !text.includes('\0')),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(element), fc.array(fc.integer({ min: -9, max: 9 })), async (texts, numbers) => {
      const [row] = await inScope(
        db,
        {},
        (tx) => tx.$queryRaw<{ texts: (string | null)[]; numbers: number[] }[]>`
          select ${arrayLiteral(texts)}::text[] as texts, ${plainArrayLiteral(numbers)}::int[] as numbers`,
      );
      expect(row).toEqual({ texts, numbers });
    }),
    { numRuns: 300 },
  );
});
