#!/usr/bin/env bash
# Installs what building and testing need, once, without questions. Outside the repository only packages are
# installed. Usage: setup.sh build | test        ("test" is "build" and more)
set -euo pipefail
cd "$(dirname "$0")/.."

purpose=${1:?usage: setup.sh build|test}
stamp=target/setup/$purpose
inputs=(xtask/setup.sh)
[ "$purpose" = build ] || inputs+=(end2end/package-lock.json)

present() { command -v "$1" >/dev/null 2>&1; }
postgres_binaries() { compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || present initdb; }
wasm_target() { [ -d "$(rustc --print sysroot)/lib/rustlib/wasm32-unknown-unknown/lib" ]; }
debian_wasm() { [ -x /usr/bin/rustc ] && [ -x /usr/bin/cargo-clippy ] && [ -d /usr/src/rustc-"$(/usr/bin/rustc --version | cut -d' ' -f2)" ]; }
own_node=target/node/node_modules/.bin
own_python=target/python
moto() { present moto_server || [ -x "$own_python/bin/moto_server" ]; }
# Playwright wants Node.js 20; Debian 12 has 18.
new_node() { local node=node; [ ! -x "$own_node/node" ] || node=$own_node/node; "$node" -e 'process.exit(process.versions.node.split(".")[0] >= 20 ? 0 : 1)' 2>/dev/null; }
say() { printf 'setup: %s\n' "$*"; }

# What is asked for and not there, as Debian names it.
missing_packages() {
    present cc || printf "%s\n" gcc libc6-dev
    present make || echo make
    present brotli || echo brotli
    [ "$purpose" = test ] || return 0
    # libFuzzer is built with the fuzz targets.
    present c++ || echo g++
    postgres_binaries || echo postgresql
    present redis-server || echo redis-server
    [ -x /usr/sbin/mariadbd ] || present mariadbd || echo mariadb-server
    present promtool || echo prometheus
    present gcore || echo gdb
    present softhsm2-util || echo softhsm2
    moto || python3 -c 'import ensurepip' 2>/dev/null || echo python3-venv
    present chromium-headless-shell || present chromium || echo chromium-headless-shell
    # Chromium draws boxes for letters where there is no font at all.
    [ -d /usr/share/fonts/truetype/liberation ] || echo fonts-liberation
    present node || echo nodejs
    present npm || echo npm
}

# Warm: nothing was asked for since that is not there still.
if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$(cat "${inputs[@]}" | sha256sum)" ] && [ -z "$(missing_packages)" ] \
    && present cargo && { wasm_target || debian_wasm; } \
    && { [ "$purpose" = build ] || { present cargo-nextest && moto && [ -x end2end/node_modules/.bin/playwright ] && new_node; }; }; then
    exit 0
fi

if ! present cargo || ! present rustc; then
    say "cargo and rustc $(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml) or newer are missing: install them with rustup, then run this again" >&2
    exit 1
fi

as_root=()
# The whole story goes to a file; a line for each package shows that it goes on.
apt_install() {
    mkdir -p target/setup
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-remove --no-install-recommends \
        -o Dpkg::Use-Pty=0 "$@" </dev/null 2>&1 | tee target/setup/apt.log | { grep --line-buffered '^Setting up' || true; }
}

install_packages() {
    local packages=("$@")
    if ! present apt-get; then
        say "this is no Debian, so install these yourself (Debian's names): ${packages[*]}" >&2
        exit 1
    fi
    if [ "$(id -u)" != 0 ]; then
        if ! present sudo || ! sudo -n true 2>/dev/null; then
            say "no root here and no sudo without a password. Run this, then try again:" >&2
            say "    sudo apt-get install --no-remove --no-install-recommends ${packages[*]}" >&2
            exit 1
        fi
        as_root=(sudo -n)
    fi
    say "apt-get install ${packages[*]}"
    hold_services
    # An old list of packages names versions that are gone: then fetch it and try once more.
    if ! apt_install "${packages[@]}"; then
        say 'fetching the list of packages'
        "${as_root[@]}" apt-get update -qq </dev/null
        if ! apt_install "${packages[@]}"; then
            cat target/setup/apt.log >&2
            say 'apt-get could not install this; what it said stands above' >&2
            exit 1
        fi
    fi
    release_services
}

# Debian's packages start their servers when they are installed; the tests start their own. A policy that forbids it
# stands while apt runs, if the machine has none of its own.
policy=/usr/sbin/policy-rc.d
policy_is_ours=no
hold_services() {
    [ -e "$policy" ] && return 0
    policy_is_ours=yes
    printf '#!/bin/sh\n# rota: set up in progress\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
    "${as_root[@]}" chmod 755 "$policy"
}
release_services() {
    [ "$policy_is_ours" = no ] || "${as_root[@]}" rm -f "$policy"
    policy_is_ours=no
}
trap release_services EXIT

mapfile -t packages < <(missing_packages)
[ "${#packages[@]}" = 0 ] || install_packages "${packages[@]}"

if ! wasm_target; then
    if present rustup && say 'rustup target add wasm32-unknown-unknown' \
        && timeout 300 rustup target add wasm32-unknown-unknown </dev/null && wasm_target; then
        :
    elif ! debian_wasm; then
        say "no wasm32 target from rustup: taking Debian's compiler for the browser's half (the rest keeps $(rustc --version))"
        install_packages rustc-web rust-web-src rust-web-clippy
    fi
fi

if [ "$purpose" = test ]; then
    if ! present cargo-nextest; then
        say 'cargo install cargo-nextest (some minutes, once)'
        cargo install --locked cargo-nextest
    fi
    if ! new_node; then
        say "Node.js $(node --version) is too old for Playwright: npm install node into target/node"
        npm install --prefix target/node --no-save --no-audit --no-fund --loglevel=error node@22 </dev/null
    fi
    if ! moto; then
        say "pip install moto[server] into $own_python (a real server for KMS and S3)"
        python3 -m venv "$own_python"
        "$own_python/bin/pip" install --quiet --disable-pip-version-check 'moto[server]==5.2.1' </dev/null
    fi
    say 'npm ci in end2end'
    (cd end2end && PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 npm ci --no-audit --no-fund --loglevel=error </dev/null)
    if ! id postgres >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
        say 'no user "postgres": the tests run PostgreSQL as "nobody", for it refuses to run as root'
    fi
fi

mkdir -p target/setup
cat "${inputs[@]}" | sha256sum >"$stamp"
say "ready to $purpose"
