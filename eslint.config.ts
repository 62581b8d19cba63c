import tseslint from 'typescript-eslint';

// Type-aware, because the faults that hurt here are promises nobody waits for.
export default tseslint.config(
  { ignores: ['node_modules/', '.drey/', 'coverage/'] },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.recommended],
    languageOptions: { parserOptions: { projectService: true } },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      'eqeqeq': 'error',
      'no-restricted-properties': ['error', { object: 'process', property: 'env', message: 'only src/config.ts reads the environment' }],
    },
  },
  { files: ['vitest.config.ts', 'src/config.ts', 'src/channel-access/environment.ts', 'testing/**', 'bench/**', 'demo/**', 'setup/**', '**/*.test.ts'], rules: { 'no-restricted-properties': 'off' } },
);
