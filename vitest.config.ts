import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['**/*.test.ts'],
    exclude: ['node_modules/**', '.data/**'],
    globalSetup: ['test/template-database.ts'],
    testTimeout: 180_000,
    hookTimeout: 120_000,
    pool: 'forks',
    maxWorkers: 3, // tests mostly wait for Postgres, and for workers they kill: more files at once than there are cores
    experimental: { viteModuleRunner: false }, // Node runs the sources here as everywhere else
    sequence: { shuffle: true },
    reporters: ['default', ['json', { outputFile: '.data/test-report.json' }]],
  },
});
