# SPDX-License-Identifier: MIT OR Apache-2.0
# What the benches share. Sourced by bash; sets BENCH (tools), WORK (scratch on tmpfs) and TRACEFS.
set -euo pipefail
export LC_ALL=C PATH="$PATH:/usr/sbin:/sbin"

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
BENCH="$root/target/bench"
LOAD_CORE=${LOAD_CORE:-0}
READER_CORE=${READER_CORE:-1}

die() { echo "$(basename "$0"): $*" >&2; exit 1; }
say() { printf '%s\n' "$*"; }

# Compiles what is older than its sources.
build() {
    local src="$root/benches" ref="$root/benches/reference" strict="-O2 -g -std=gnu11 -Wall -Wextra -Werror"
    local tool
    for tool in clang bpftool; do
        command -v "$tool" >/dev/null || die "\`$tool\` is missing: apt-get install clang libbpf-dev bpftool"
    done
    mkdir -p "$BENCH"
    newer "$BENCH/load" "$src/load.c" && clang $strict "$src/load.c" -o "$BENCH/load" -lpthread
    # Frame pointers, which stacks are followed by.
    newer "$BENCH/shares" "$src/shares.c" && clang $strict -O1 -fno-omit-frame-pointer "$src/shares.c" -o "$BENCH/shares"
    newer "$BENCH/measure" "$src/measure.c" && clang $strict "$src/measure.c" -o "$BENCH/measure" -lutil
    if newer "$BENCH/reference" "$ref"/*; then
        # Debian keeps <asm/types.h> in a folder named by the architecture, which `-target bpf` does not look into.
        clang -target bpf -mcpu=v3 -O2 -g -Wall -Werror -I"/usr/include/$(uname -m)-linux-gnu" -I"$ref" \
            -c "$ref/reference.bpf.c" -o "$BENCH/reference.bpf.o"
        bpftool gen skeleton "$BENCH/reference.bpf.o" name reference_bpf >"$BENCH/reference.skel.h"
        clang $strict -I"$BENCH" -I"$ref" "$ref/reference.c" -o "$BENCH/reference" -lbpf
        clang -target bpf -mcpu=v3 -O2 -g -Wall -Werror -I"/usr/include/$(uname -m)-linux-gnu" -I"$ref" \
            -c "$ref/filter.bpf.c" -o "$BENCH/filter.bpf.o"
        clang $strict -I"$ref" "$ref/filter.c" -o "$BENCH/filter" -lbpf
        clang -target bpf -mcpu=v3 -O2 -g -Wall -Werror -I"/usr/include/$(uname -m)-linux-gnu" -I"$ref" \
            -c "$ref/count.bpf.c" -o "$BENCH/count.bpf.o"
        clang $strict -I"$ref" "$ref/count.c" -o "$BENCH/count" -lbpf
    fi
}

# newer TARGET SOURCE…: true where TARGET is missing or older than a source or than this file.
newer() {
    local target=$1 source
    shift
    [[ -e $target ]] || return 0
    for source in "$@" "${BASH_SOURCE[0]}"; do
        [[ $source -nt $target ]] && return 0
    done
    return 1
}

# prepare BYTES: root, tracefs, two cores, EBPF_RUN, and a scratch folder with that much room, gone at exit.
prepare() {
    local need=$1 free
    [[ $(id -u) == 0 ]] || die "needs root"
    [[ -e /sys/kernel/tracing/events ]] || mount -t tracefs nodev /sys/kernel/tracing || die "failed to mount tracefs"
    (($(nproc) > READER_CORE)) || die "needs core $READER_CORE for the reader"
    EBPF_RUN=${EBPF_RUN:-$root/target/release/ebpf-run}
    [[ -x $EBPF_RUN ]] || die "\`$EBPF_RUN\` is no program: cargo build --release, or set EBPF_RUN"
    WORK=$(mktemp -d "${BENCH_TMP:-/dev/shm}/ebpf-run-bench.XXXXXX")
    trap 'rm -rf "$WORK"; kill $(jobs -p) 2>/dev/null || true' EXIT
    free=$(($(df --output=avail -k "$WORK" | tail -1) * 1024))
    ((free > need)) || die "\`$WORK\` has $((free >> 20)) MiB free, needs $((need >> 20)): set BENCH_TMP"
    build
}

# probe_yaml NAME TRACEPOINT OUTPUT [CAPTURE]
probe_yaml() {
    local capture=${4:+"    capture: { $4 }"}
    cat <<YAML
version: 1
probes:
  - name: $1
    hook: { tracepoint: "$2" }
${capture:+$capture
}    sinks: ["jsonl:$3"]
YAML
}

# value KEY: the value of KEY=… on stdin, empty where there is none.
value() { tr ' ' '\n' | sed -n "s/^$1=//p" | tail -1; }

# summary FILE: `produced=N delivered=N lost=N` out of a consumer's stderr. It reads `produced=5`, `produced: 5`,
# `produced 5`, `5 produced`, and a table with these words above its columns; `?` is what it did not find.
summary() {
    awk '
        function number(text) { gsub(/[_,'"'"']/, "", text); return text }
        BEGIN { split("produced delivered lost", words, " ") }
        {
            sub(/\r$/, "")
            gsub(/\033\[[0-9;]*m/, "")
            line = tolower($0)
            # A row has numbers in all these columns; a remark below it has not.
            is_row = header && NF >= header
            for (w in words) if ($(column[words[w]] + 0) !~ /^[0-9][0-9_,]*$/) is_row = 0
            if (is_row) for (w in words) found[words[w]] = number($(column[words[w]]))
            hits = 0
            for (i = 1; i <= NF; i++) for (w in words) if (tolower($i) == words[w]) { place[words[w]] = i; hits++ }
            if (hits == 3 && line !~ /[0-9]/) { header = NF; for (w in words) column[words[w]] = place[words[w]]; next }
            for (w in words) {
                if (match(line, words[w] "(=|: *| +)[0-9][0-9_,]*")) {
                    text = substr(line, RSTART, RLENGTH); sub(/^[a-z]+[=: ]+/, "", text); found[words[w]] = number(text)
                } else if (match(line, "[0-9][0-9_,]* " words[w])) {
                    text = substr(line, RSTART, RLENGTH); sub(/ .*/, "", text); found[words[w]] = number(text)
                }
            }
        }
        END {
            for (w = 1; w <= 3; w++) printf "%s=%s%s", words[w], (words[w] in found) ? found[words[w]] : "?", w < 3 ? " " : "\n"
        }' "$1"
}

# Median of the numbers on stdin.
median() { sort -n | awk '{ v[NR] = $1 } END { if (!NR) print "?"; else if (NR % 2) print v[(NR + 1) / 2]; else print (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }

# Percent of all cores that were busy during the last 0.3 s. Called while the bench itself does nothing.
busy_percent() {
    local before after
    before=$(head -1 /proc/stat)
    sleep 0.3
    after=$(head -1 /proc/stat)
    printf '%s\n%s\n' "$before" "$after" | awk '
        { idle[NR] = $5 + $6; all[NR] = 0; for (i = 2; i <= 9; i++) all[NR] += $i }
        END { spent = all[2] - all[1]; print spent ? int(100 * (spent - idle[2] + idle[1]) / spent + 0.5) : 0 }'
}

# Warns where the machine is at work before the bench starts. The load average remembers the bench before this one, so
# alone it is only a hint.
warn_load() {
    local load busy
    load=$(cut -d' ' -f1 /proc/loadavg)
    busy=$(busy_percent)
    if ((busy > 10)); then
        say "warning: other work on this machine ($busy % busy, load average $load): ratios are rough, absolutes worthless"
    elif at_most 0.5 "$load"; then
        say "note: load average $load, though nothing runs now: was that an earlier bench?"
    fi
}

# at_most VALUE LIMIT: true where VALUE is a number not above LIMIT.
at_most() { awk -v value="$1" -v limit="$2" 'BEGIN { exit !(value ~ /^[0-9.]+$/ && value + 0 <= limit + 0) }'; }

# verdict CONDITION-STATUS: `met` or `missed`.
verdict() { if (($1 == 0)); then echo met; else echo missed; fi; }
