// The import rules of setup/layers.cjs for dependency-cruiser. Run by setup/check-imports.ts.
const { layers, pure, mayImportDemo } = require('./setup/layers.cjs');

const TEST = '\\.test\\.ts$';
const within = (entry) => `^src/${entry.replaceAll('.', '\\.')}${entry.endsWith('/') ? '' : '$'}`;
const anyOf = (entries) => entries.map(within).join('|');

const layerRules = Object.entries(layers).map(([entry, others]) => ({
  name: `layer ${entry}`,
  comment: `src/${entry} may import ${others.length === 0 ? 'nothing of src beside itself' : others.join(', ')}`,
  severity: 'error',
  from: { path: within(entry), pathNot: TEST },
  to: { path: '^src/', pathNot: anyOf([entry, ...others]) },
}));

module.exports = {
  forbidden: [
    ...layerRules,
    {
      name: 'no rule for this folder',
      comment: 'a new folder of src/ gets an entry in setup/layers.cjs first',
      severity: 'error',
      from: { path: '^src/', pathNot: [anyOf(Object.keys(layers)), TEST] },
      to: {},
    },
    {
      name: 'src needs no test code',
      severity: 'error',
      from: { path: '^src/', pathNot: TEST },
      to: { path: `^(testing|bench|setup)/|${TEST}` },
    },
    {
      name: 'src needs no demo',
      severity: 'error',
      from: { path: '^src/', pathNot: [anyOf(mayImportDemo), TEST] },
      to: { path: '^demo/' },
    },
    {
      name: 'pure rules touch nothing outside',
      severity: 'error',
      from: { path: anyOf(pure), pathNot: TEST },
      to: { dependencyTypes: ['core'] },
    },
    { name: 'no cycles', severity: 'error', from: { path: '^src/' }, to: { circular: true } },
    {
      name: 'no cycles at run time',
      severity: 'error',
      from: { pathNot: '^src/' },
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    { name: 'what is imported exists', severity: 'error', from: {}, to: { couldNotResolve: true } },
    {
      name: 'what runs is a dependency, not a development one',
      severity: 'error',
      from: { path: '^src/', pathNot: TEST },
      to: { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'], dependencyTypesNot: ['type-only'], pathNot: '^node_modules/@types/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^\\.drey/' },
    // Type-only imports couple as well.
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { extensions: ['.ts', '.js', '.mjs', '.cjs', '.json'], exportsFields: ['exports'], conditionNames: ['import', 'node', 'default', 'types'] },
  },
};
