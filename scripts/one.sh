#!/usr/bin/env bash
# scripts/one.sh PATTERN [WORDS]: builds, and runs the tests whose paths contain PATTERN; with WORDS, of these the tests with
# the words in their names. The project of a test is the folder below test/ that it lies in.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
pattern=${1:-} words=${2:-}
if [[ -z $pattern ]]; then
  echo 'usage: make one TEST=test/unit/fib/times.test.ts [ONLY="some words"]; TEST may be any part of a path, such as unit/fib or times' >&2
  exit 2
fi
# From the sources: dist/ may hold tests that are no more.
mapfile -t tests < <(find test/unit test/slow test/integration -name '*.test.ts' | grep -F -- "$pattern" | sort)
if ((${#tests[@]} == 0)); then
  echo "one: no path of a test contains '$pattern'" >&2
  exit 2
fi
mapfile -t projects < <(printf '%s\n' "${tests[@]}" | cut -d/ -f2 | sort -u)
npm run --silent build
tests=("${tests[@]/%.ts/.js}")
exec npx --no-install jest --selectProjects "${projects[@]}" --runInBand --runTestsByPath "${tests[@]/#/dist/}" ${words:+-t "$words"}
