// Tests run as compiled by tsc (npm run build), so what is tested is what is shipped.
module.exports = {
  projects: [
    {
      displayName: 'unit',
      rootDir: 'dist',
      roots: ['<rootDir>/test/unit'],
      testMatch: ['**/*.test.js'],
      testEnvironment: 'node',
      setupFilesAfterEnv: ['<rootDir>/test/setup.js'],
    },
    {
      displayName: 'integration',
      rootDir: 'dist',
      roots: ['<rootDir>/test/integration'],
      testMatch: ['**/*.test.js'],
      testEnvironment: 'node',
      setupFilesAfterEnv: ['<rootDir>/test/setup.js'],
    },
  ],
};
