#!/usr/bin/env bash
# The steps behind the Makefile's targets: steps.sh run|test|build|dist|check|bench|e2e.
# Each step says its name when it starts; the seconds of all stand at the end, also when one fails.
set -euo pipefail
cd "$(dirname "$0")/.."
logs=target/steps
mkdir -p "$logs"
# Where the machine's Node.js is too old, set-up put another one here.
export PATH=$PWD/target/node/node_modules/.bin:$PWD/target/python/bin:$PATH
# What runs once gains nothing from being ready for the next edit.
[ -z "${CI:-}" ] || export CARGO_INCREMENTAL=0
table=()
closing=()
beside_pid=''

finish() {
    local code=$?
    # A step failed while another ran beside it: that one is ours, with all it started.
    [ -z "$beside_pid" ] || kill -- "-$beside_pid" 2>/dev/null || true
    if [ "${#table[@]}" -gt 0 ]; then
        printf '\n%s\n' 'seconds by step:'
        printf '%s\n' "${table[@]}"
    fi
    [ "${#closing[@]}" = 0 ] || printf '\n%s\n' "${closing[@]}"
    exit "$code"
}
trap finish EXIT

# step NAME COMMAND...: in the foreground.
step() {
    local name=$1 began=$SECONDS code=0
    shift
    printf '\n== %s\n' "$name"
    "$@" || code=$?
    note "$name" "$began" "$code"
    return "$code"
}

note() {
    local ending=''
    [ "$3" = 0 ] || ending='  FAILED'
    table+=("$(printf '%6d  %s%s' $((SECONDS - $2)) "$1" "$ending")")
}

# beside NAME COMMAND...: in the background, its output kept until `join` shows it.
beside() {
    beside_name=$1
    shift
    printf '\n== %s (beside what follows)\n' "$beside_name"
    beside_began=$SECONDS
    # Its own process group, so that it can be ended whole.
    set -m
    ("$@") >"$logs/beside.log" 2>&1 </dev/null &
    beside_pid=$!
    set +m
}

join() {
    local code=0
    wait "$beside_pid" || code=$?
    beside_pid=''
    printf '\n== %s\n' "$beside_name"
    cat "$logs/beside.log"
    note "$beside_name (beside)" "$beside_began" "$code"
    return "$code"
}

# The crates with tests: not xtask's dependencies, which nothing else needs.
workspace=(--workspace --exclude xtask --exclude browser)

build_xtask() { cargo build --locked --package xtask; }
xtask() { target/debug/xtask "$@"; }
bundle() { xtask bundle; }
format() { cargo fmt --all --check; }
clippy() { cargo clippy --locked --workspace --all-targets -- -Dwarnings; }
check_wasm() { xtask check-wasm; }
# The fuzz targets on the compiler there is: what cargo-fuzz would pass to a nightly one, without its sanitizer.
fuzz_smoke() {
    local host flags='-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4
        -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table
        -Cllvm-args=-sanitizer-coverage-trace-compares --cfg fuzzing'
    host=$(rustc -vV | sed -n 's/^host: //p')
    RUSTFLAGS=$flags cargo build --locked --quiet --release --manifest-path fuzz/Cargo.toml \
        --target-dir target/fuzz --target "$host"
    local target targets=(envelope tag body) code=0 pids=()
    for target in "${targets[@]}"; do
        mkdir -p "target/fuzz/corpus/$target"
        # A third of the 60 seconds each, side by side. A finding is left in target/fuzz.
        "target/fuzz/$host/release/$target" -max_total_time=20 -max_len=600 -print_final_stats=1 \
            -artifact_prefix="target/fuzz/$target-" "target/fuzz/corpus/$target" >"$logs/fuzz-$target.log" 2>&1 &
        pids+=($!)
    done
    for pid in "${pids[@]}"; do wait "$pid" || code=1; done
    for target in "${targets[@]}"; do
        if [ "$code" = 0 ]; then
            grep -E 'number_of_executed_units' "$logs/fuzz-$target.log" | sed "s/^/$target: /"
        else
            tail -n 40 "$logs/fuzz-$target.log"
        fi
    done
    return "$code"
}
schedules() { cargo test --locked --quiet --package keyring --features shuttle --test schedules; }
check_journeys() { (cd end2end && node_modules/.bin/tsc --noEmit); }
build_tests() { cargo nextest run --locked "${workspace[@]}" --no-run; }

tests() {
    local code=0
    # Many tests wait for servers that they started: two more than there are processors.
    cargo nextest run --locked "${workspace[@]}" --test-threads $(($(nproc) + 2)) 2>&1 | tee "$logs/nextest.log" || code=$?
    local summary
    summary=$(sed 's/\x1b\[[0-9;]*m//g' "$logs/nextest.log" | grep -E '^ *Summary \[' | tail -n 1)
    [ -z "$summary" ] || closing+=("$summary")
    return "$code"
}

alert_rules() {
    local found=(deploy/prometheus/*.test.yml)
    [ -e "${found[0]}" ] || return 0
    promtool test rules "${found[@]}"
}

journeys() {
    local code=0
    (cd end2end && node_modules/.bin/playwright test "$@") 2>&1 | tee "$logs/journeys.log" || code=$?
    local line
    line=$(grep -E '^[0-9]+ passed, [0-9]+ failed' "$logs/journeys.log" | tail -n 1)
    [ -z "$line" ] || closing+=("journeys: $line")
    return "$code"
}

release() { cargo build --locked --package server --bin rota "$@"; }

# The bundle is embedded in the server, so it comes first; the server's dependencies need not wait for it.
build_all() {
    step 'set up' bash xtask/setup.sh build
    step 'build xtask' build_xtask
    if [ -e target/site/manifest.json ]; then
        step 'browser bundle' bundle
    else
        beside 'browser bundle' bundle
        step 'server, before the bundle is embedded' release "$@"
        join
    fi
    step 'server' release "$@"
}

checks() {
    step 'format' format
    step 'clippy' clippy
    step 'clippy and purity for wasm32' check_wasm
    step 'types of the journeys' check_journeys
}

case ${1:-} in
build)
    build_all --release
    ;;
dist)
    build_all --profile dist
    ;;
run)
    build_all --release
    table=()
    mkdir -p .rota
    chmod 700 .rota
    trap - EXIT
    export ROTA_SANDBOX=1
    export ROTA_DATABASE_URL=${ROTA_DATABASE_URL:-sqlite:.rota/rota.db}
    export ROTA_LISTEN=${ROTA_LISTEN:-127.0.0.1:3000}
    exec target/release/rota serve
    ;;
check)
    step 'set up' bash xtask/setup.sh test
    step 'build xtask' build_xtask
    checks
    step 'fuzz targets, 60 s' fuzz_smoke
    ;;
test)
    step 'set up' bash xtask/setup.sh test
    step 'build xtask' build_xtask
    # Another profile and another target: it fills the gaps that the native checks leave on two cores.
    beside 'browser bundle' bundle
    checks
    join
    step 'build the tests' build_tests
    # One run tells of every failure there is.
    outcome=0
    step 'tests' tests || outcome=1
    step 'schedules of promotion and revocation' schedules || outcome=1
    step 'alert rules' alert_rules || outcome=1
    step 'browser journeys' journeys || outcome=1
    exit "$outcome"
    ;;
e2e)
    shift
    step 'set up' bash xtask/setup.sh test
    step 'build xtask' build_xtask
    step 'browser bundle' bundle
    step 'server' cargo build --locked --package server --bin rota
    step 'browser journeys' journeys "$@"
    ;;
bench)
    shift
    # The kills want a PostgreSQL, as the tests do.
    step 'set up for the journeys' bash xtask/setup.sh test
    build_all --release
    step 'bench' cargo run --locked --release --package bench -- "$@"
    ;;
*)
    echo 'usage: steps.sh run|test|build|dist|check|bench|e2e' >&2
    exit 2
    ;;
esac
