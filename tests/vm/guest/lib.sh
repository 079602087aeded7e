# SPDX-License-Identifier: MIT OR Apache-2.0
# shellcheck shell=sh
#
# For scripts of scenarios: `. /vm/lib.sh`.

# wait_for SECONDS COMMAND…: runs the command until it succeeds; fails when the time is over.
wait_for() {
    deadline=$(($(cut -d. -f1 /proc/uptime) + $1))
    shift
    until "$@"; do
        [ "$(cut -d. -f1 /proc/uptime)" -lt "$deadline" ] || return 1
        sleep 0.05
    done
}

# veth_up: veth0 (10.11.0.1) here, veth1 (10.11.0.2) in a network namespace of its own that `peer COMMAND…` enters.
veth_up() {
    unshare -n sleep 3600 >/dev/null 2>&1 &
    echo $! >/run/peer
    wait_for 10 other_netns
    # busybox cannot name a peer; the kernel calls the first one veth0.
    ip link add name veth1 type veth
    ip link set veth1 netns "$(cat /run/peer)"
    ip addr add 10.11.0.1/24 dev veth0
    ip link set veth0 up
    peer ip addr add 10.11.0.2/24 dev veth1
    peer ip link set veth1 up
    wait_for 10 grep -q 1 /sys/class/net/veth0/carrier
}
other_netns() { [ "$(readlink "/proc/$(cat /run/peer)/ns/net")" != "$(readlink /proc/self/ns/net)" ]; }

peer() { nsenter -t "$(cat /run/peer)" -n "$@"; }

veth_down() {
    ip link del veth0
    kill "$(cat /run/peer)"
    rm /run/peer
}

# listening PORT: true when something listens on that TCP port.
listening() { netstat -ltn | grep -q ":$1 "; }

# cgroup2: where the cgroup2 hierarchy is mounted.
cgroup2() { awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts; }

# until_seen REGEX COMMAND…: runs the command until an event looks like that. Where the kernel may put a process aside in the middle
# of a program at a system call (since Linux 6.13), it skips the program for those that run meanwhile, and counts that.
until_seen() {
    seen=$1
    shift
    for _ in 1 2 3 4 5; do
        "$@"
        ! wait_for 3 grep -q "$seen" "$STDOUT" || return 0
    done
    return 1
}

# total PROBE VALUE [REGEX]: the sum of a value over all rows of a probe, or of a table, that look like that: a number, or how many a
# histogram has.
total() {
    grep -E "\"(probe|table)\":\"$1\"" "$STDOUT" | grep '"type":"sample"' | grep -E "${3:-}" |
        sed -nE "s/.*\"$2\":(-?[0-9]+|\[\[[^\"}]*\]\]).*/\1/p" | sed 's/\],/]\n/g' | sed -E 's/.*,//; s/\]*$//' |
        awk '{ sum += $1 } END { print sum + 0 }'
}
# same WHAT FOUND EXPECTED: says what differs.
same() { [ "$2" = "$3" ] || { echo "$1: $2, not $3"; return 1; }; }
# spans PROBE: what became of its spans, as the summary says.
spans() { awk -v probe="$1" '$1 == probe { on = 1; next } /^[^ ]/ { on = 0 } on && sub(/^ *spans: /, "") { print; exit }' "${STDOUT%out}err"; }
