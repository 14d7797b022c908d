#!/usr/bin/env bash
# Lint, unit tests, slow ones, integration tests; all run even when one fails. The last line says how many tests passed and failed.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
mkdir -p out
rm -f out/jest-unit.json out/jest-slow.json out/jest-integration.json
status=0

echo '== lint'
npm run --silent lint || status=1
echo '== unit tests'
npx --no-install jest --selectProjects unit --json --outputFile=out/jest-unit.json </dev/null || status=1
echo '== slow tests'
npx --no-install jest --selectProjects slow --json --outputFile=out/jest-slow.json </dev/null || status=1
# Three at a time on two cores: they mostly wait.
echo '== integration tests'
npx --no-install jest --selectProjects integration --maxWorkers=3 --json --outputFile=out/jest-integration.json </dev/null || status=1

((status == 0)) || echo 'test: something failed: see above' >&2
node scripts/summary.mjs out/jest-unit.json out/jest-slow.json out/jest-integration.json || status=1
exit "$status"
