// The lint rules, among them docs/architecture.md's "who may know whom": each room of src/ may import only the rooms
// (or single files of a room) listed for it. test/unit/lint/rooms.test.ts holds the two together.
import eslint from '@eslint/js';
import tseslint from 'typescript-eslint';
import graph from './scripts/lint/no-circles.mjs';

/** room → what it may import from other rooms of src/ (a room, or room/file). `net` is open to all. */
export const MAY_KNOW = {
  net: [],
  sys: [],
  config: [],
  observe: ['config/types', 'sys/syslog-socket'],
  metrics: ['control/backend', 'control/status-types', 'control/types', 'observe', 'sys/listen-fault'],
  netlink: [],
  fib: [],
  fpm: ['netlink', 'fib/updates', 'config/types', 'observe', 'sys', 'vty'],
  vty: [],
  inspect: ['fpm', 'netlink', 'fib/updates'],
  kernel: ['netlink', 'fib/updates', 'observe', 'sys'],
  aft: [],
  afi: ['aft', 'fib/intents', 'fib/work-set', 'config/types', 'observe'],
  hostpath: [],
  punt: ['config', 'hostpath', 'sys', 'observe'],
  vasic: ['aft', 'hostpath', 'netlink/constants', 'sys', 'observe', 'config/types'],
  shell: [
    'aft',
    'afi',
    'config/nearest',
    'config/types',
    'control/explain-types',
    'control/output',
    'control/trace-text',
    'observe/version',
    'views/trace-outcome',
  ],
  control: ['config', 'observe', 'sys/peer-credentials'],
  bridge: [
    'afi',
    'aft',
    'audit',
    'config',
    'control',
    'fib',
    'fpm',
    'kernel',
    'metrics',
    'observe',
    'punt',
    'sys',
    'views',
    'vty',
  ],
  web: ['control', 'sys/listen-fault'],
  audit: ['aft', 'afi', 'control/audit-types', 'fib', 'kernel/decode', 'observe', 'vty'],
  views: ['aft', 'afi', 'config', 'control', 'fib', 'fpm', 'observe', 'punt'],
};

const rooms = Object.keys(MAY_KNOW);

/** For the files of a room, and for those in its folders, from where one `..` is the room itself. */
function roomRules(room) {
  return [roomRule(room, `src/${room}/*.ts`, '*'), roomRule(room, `src/${room}/*/**/*.ts`, '+')];
}

function roomRule(room, files, more) {
  const allowed = [...MAY_KNOW[room], 'net'];
  const patterns = rooms
    .filter((other) => other !== room)
    .flatMap((other) => {
      if (allowed.includes(other)) return [];
      const known = allowed.filter((a) => a.startsWith(`${other}/`)).map((a) => a.slice(other.length + 1));
      const exception = `(?!/(${known.join('|')})$)`;
      return [
        {
          regex: `^\\.\\./(\\.\\./)${more}${other}${known.length === 0 ? '(/|$)' : exception}`,
          message: `src/${room} may not know ${known.length === 0 ? `src/${other}` : `src/${other} beyond ${known.join(', ')}`} (docs/architecture.md).`,
        },
      ];
    });
  return {
    files: [files],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            ...patterns,
            {
              regex: '^(\\.\\./)+(bridge/bridge|main|\\w+-main)$',
              message: 'Only the composition root knows all rooms.',
            },
          ],
        },
      ],
    },
  };
}

export default tseslint.config(
  { ignores: ['dist/', 'dist-*/', 'out/', 'coverage/', 'node_modules/'] },
  eslint.configs.recommended,
  ...tseslint.configs.strict,
  {
    rules: {
      '@typescript-eslint/no-explicit-any': 'error',
      // Index access is checked by bounds known to the code; `!` states it.
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-extraneous-class': 'off',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
      eqeqeq: 'error',
      'no-console': 'error',
    },
  },
  {
    files: ['**/*.mjs', 'bin/*.js', '*.config.js'],
    languageOptions: {
      globals: {
        Buffer: 'readonly',
        console: 'readonly',
        process: 'readonly',
        require: 'readonly',
        module: 'writable',
      },
    },
    rules: { '@typescript-eslint/no-require-imports': 'off' },
  },
  {
    // In the browser, as it is.
    files: ['web/**/*.js'],
    languageOptions: {
      globals: Object.fromEntries(
        ['document', 'DOMParser', 'EventSource', 'fetch', 'FormData', 'URLSearchParams'].map((name) => [
          name,
          'readonly',
        ]),
      ),
    },
  },
  {
    files: [
      'src/control/**',
      'demo/**',
      'examples/**',
      'lab/**',
      'test/bench/**',
      'test/against-linux/**',
      'test/tools/**',
      'scripts/**',
    ],
    rules: { 'no-console': 'off' },
  },
  {
    files: ['**/*.ts'],
    plugins: { graph },
    rules: { 'graph/no-circles': ['error', { root: import.meta.dirname }] },
  },
  ...rooms.flatMap(roomRules),
  {
    // Only src/sys loads the C library.
    files: ['src/**/*.ts'],
    ignores: ['src/sys/**'],
    rules: {
      'no-restricted-syntax': [
        'error',
        { selector: "ImportDeclaration[source.value='koffi']", message: 'Only src/sys calls libc.' },
      ],
    },
  },
);
