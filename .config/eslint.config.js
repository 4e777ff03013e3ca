/**
 * Lint rules: typescript-eslint strict with type information, and the folder rules (which folder may
 * import which). test/architecture.test.ts proves the same arrows from the imports themselves.
 */
import tseslint from 'typescript-eslint';

const NODE = [
  'node:*', 'fs', 'path', 'os', 'url', 'util', 'crypto', 'worker_threads', 'child_process', 'net', 'events', 'stream', 'buffer',
]; // prettier-ignore

/** Forbids imports by pattern, with the reason as the message. */
function forbid(...rules) {
  const patterns = rules.map(([group, message]) => ({ group, message }));
  return { 'no-restricted-imports': ['error', { patterns }] };
}

const TESTS = ['**/*.test.ts'];
const ADAPTER_NODE = [
  'debug-adapter/**/main.ts',
  'debug-adapter/**/*-main.ts',
  'debug-adapter/**/*-node.ts',
  'debug-adapter/**/transport.ts',
];
const NO_VSCODE = [['vscode'], 'Only extension/ may import vscode.'];

export default tseslint.config(
  {
    ignores: [
      'dist/**',
      'out/**',
      '.cache/**',
      '**/*.js',
      '**/*.mjs',
      '**/*.cjs',
      'extension/sample/**',
    ],
  },
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: {
      parserOptions: {
        projectService: true,
        tsconfigRootDir: new URL('..', import.meta.url).pathname,
      },
    },
    rules: {
      '@typescript-eslint/consistent-type-imports': ['error', { disallowTypeAnnotations: false }],
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-extraneous-class': ['error', { allowEmpty: true }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/no-unnecessary-condition': [
        'error',
        { allowConstantLoopConditions: 'always' },
      ],
      '@typescript-eslint/no-confusing-void-expression': [
        'error',
        { ignoreArrowShorthand: true, ignoreVoidReturningFunctions: true },
      ],
      '@typescript-eslint/no-unsafe-class-instance-assignment': 'off',
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_', ignoreRestSiblings: true },
      ],
      '@typescript-eslint/no-misused-spread': [
        'error',
        { allow: [{ from: 'lib', name: 'string' }] },
      ],
      // The processor's signals are values, thrown without a stack because they are frequent.
      '@typescript-eslint/only-throw-error': [
        'error',
        { allow: [{ from: 'file', name: ['GuestFault', 'VmExitSignal', 'UnimplementedSignal'] }] },
      ],
      eqeqeq: 'error',
      'no-console': 'error',
      'no-empty': ['error', { allowEmptyCatch: false }],
    },
  },
  {
    // Elements of arrays are not checked for undefined here (typed arrays), so the rule would be wrong.
    files: ['emulator/**/*.ts', ...TESTS],
    rules: { '@typescript-eslint/no-unnecessary-condition': 'off' },
  },
  {
    files: ['emulator/**/*.ts'],
    ignores: TESTS,
    rules: forbid(
      [[...NODE, 'vscode', '@*/*', '@*/**'], 'The emulator knows neither Node nor an editor.'],
      [
        ['**/debug-adapter/**', '**/extension/**', '**/test/**'],
        'The emulator imports only from emulator/.',
      ],
    ),
  },
  {
    files: ['debug-adapter/**/*.ts'],
    ignores: [...TESTS, ...ADAPTER_NODE],
    rules: forbid(
      [NODE, 'Node only in the entry files (main, *-main, *-node, transport).'],
      [['**/extension/**', '**/test/**'], 'The debug adapter imports from itself and emulator/.'],
      NO_VSCODE,
    ),
  },
  {
    files: ADAPTER_NODE,
    rules: forbid(
      [['**/extension/**', '**/test/**'], 'The debug adapter imports from itself and emulator/.'],
      NO_VSCODE,
    ),
  },
  {
    files: ['extension/**/*.ts'],
    ignores: TESTS,
    rules: forbid([
      ['**/emulator/**', '**/test/**'],
      'The extension speaks to debug-adapter/ only.',
    ]),
  },
  {
    // Command line programs print.
    files: ['**/main.ts', '**/*-main.ts', 'extension/build/**', 'test/**'],
    rules: { 'no-console': 'off' },
  },
  {
    files: [...TESTS, 'test/**/*.ts'],
    rules: {
      // node:test's describe and it return promises that the runner awaits.
      '@typescript-eslint/no-floating-promises': [
        'error',
        {
          allowForKnownSafeCalls: [
            { from: 'package', package: 'node:test', name: ['describe', 'it', 'test', 'suite'] },
          ],
        },
      ],
      '@typescript-eslint/no-non-null-assertion': 'off',
    },
  },
);
