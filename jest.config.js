// Tests run as compiled by tsc (npm run build), so what is tested is what is shipped.
const project = (displayName) => ({
  displayName,
  rootDir: 'dist',
  roots: [`<rootDir>/test/${displayName}`],
  testMatch: ['**/*.test.js'],
  testEnvironment: 'node',
  setupFilesAfterEnv: ['<rootDir>/test/setup.js'],
});

// unit: no root, under a minute · slow: large tables and long random histories, no root either · integration: root and FRR ·
// machine: a kernel that this one may not be, by make vrf-devices.
// Two at a time, whatever the machine has; integration tests, whose stages have names of their own, mostly wait: scripts/test.sh takes three.
module.exports = { maxWorkers: 2, projects: ['unit', 'slow', 'integration', 'machine'].map(project) };
