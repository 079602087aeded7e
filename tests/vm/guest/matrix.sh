# SPDX-License-Identifier: MIT OR Apache-2.0
# shellcheck shell=sh
#
# Many probes for `matrix-…`: each hook with all kinds of value and test. `. /vm/matrix.sh`.

# One probe a line: what it is for, then lines of YAML below it, `;` between them; `~` begins a capture, `?` a clause of `where`. All
# kinds of value are in one: what one of them takes of the stack, it takes beside the others as well.
of_process() {
    values='~a: (current.task as struct sock) as sock;~b: (current.task as struct sockaddr) as sockaddr'
    values="$values;~c: (current.task as struct sk_buff) as packet;~d: (current.task as struct file) as path"
    values="$values;~e: (current.task as struct dentry) as path(4096);~f: current.task->pid as fd_path"
    values="$values;~g: current.task as user_string(4096);~h: current.task as string(4096, len=tid);~i: current.task as bytes(4096)"
    values="$values;~j: cgroup;~k: container;~l: exe;~m: parent_comm;~n: caps;~o: mntns;~p: ktime"
    values="$values;~q: current.task->real_parent->real_parent->real_parent->real_parent->real_parent->real_parent->comm"
    tests='?((current.task as struct sock) as sock).source.ip not in "10.0.0.0/8";?((current.task as struct sockaddr) as sockaddr).port != 17'
    tests="$tests;?((current.task as struct sk_buff) as packet).ip.ttl != 3"
    tests="$tests;?((current.task as struct sk_buff) as packet).source.ip not in \"fd00::/8\""
    tests="$tests;?not (current.task as user_string(256)).startsWith(\"abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz\")"
    tests="$tests;?not (current.task as string(256)).contains(\"abcdefgh\");?not (current.task as string(256)).endsWith(\"abcdefgh\")"
    tests="$tests;?cgroup.under(\"/\");?cgroup != \"/nowhere\";?current.pid not in descendants(1) || current.tid in [1, 5, 70000]"
    tests="$tests;?current.task->real_parent->comm != \"abc\""
    echo "values $values;$(repeat 15 '~v%d: current.task->pid + %d;' | sed 's/;$//')"
    echo "both $values;$tests"
    echo "clauses $(repeat 64 '?current.task->real_parent->pid != %d;' | sed 's/;$//')"
}
# A system call has no packet: what asks for one there is refused.
of_syscall() { of_process | sed 's/;~c: [^;]*as packet;/;~c: comm;/; s/;?((current.task as struct sk_buff)[^;]*//g'; }
of_packet() {
    values='~a: packet;~b: packet.source;~c: packet.destination;~d: packet.vlan.id;~e: packet.tcp.flags'
    tests='?packet.source.ip not in "10.0.0.0/8";?packet.destination.ip not in "fd00::/8";?packet.tcp.flags != 3;?packet.length > 1'
    echo "values $values;$(repeat 27 '~v%d: packet.length;' | sed 's/;$//')"
    echo "both $values;$tests"
    echo "clauses $(repeat 64 '?packet.length != %d;' | sed 's/;$//')"
}
# repeat N TEXT: TEXT so often, with the number in place of each %d.
repeat() {
    n=0
    while [ $n -lt "$1" ]; do
        n=$((n + 1))
        printf %s "$2" | sed "s/%d/$n/g"
    done
}

# matrix: the file, of lines of standard input: a name, `process`, `syscall` or `packet`, the hook, in which `@` stands for the kind of value.
matrix() {
    echo "version: 1"
    echo "probes:"
    while read -r name scope hook; do
        of_"$scope" | while read -r kind rest; do
            echo "  - name: $name-$kind"
            echo "    program: trace"
            echo "    hook: $hook" | sed "s/@/$kind/"
            echo "    buffer: 64KiB"
            echo "$rest" | tr ';' '\n' | awk '
                /^~/ { captures = captures "      " substr($0, 2) "\n" }
                /^\?/ { text = substr($0, 2); gsub(/\047/, "\047\047", text); clauses = clauses "      - \047" text "\047\n" }
                END { if (captures) printf "    capture:\n%s", captures; if (clauses) printf "    where:\n%s", clauses }'
        done
    done
}

# matrix_runs FILE: puts the file in place; waits until each of its probes runs, or has been refused by ebpf-run. What the kernel's
# verifier refused has the words "the kernel refused".
matrix_runs() {
    cp "$1" .next
    mv .next probe.yaml
    # One more: that of the file before.
    wait_for 280 settled $(($(grep -c '^  - name:' "$1") + 1))
    for name in $(sed -n 's/^  - name: //p' "$1"); do
        said=$(grep "\"probe\":\"$name\",\"type\":\"probe_state\"" "$STDOUT" | tail -1)
        case $said in
        *'"state":"running"'*) ;;
        *'the kernel refused'* | *'has no memory'* | '') echo "$name: ${said:-nothing}" ;;
        *) echo "refused by ebpf-run: $name: $said" >>refused ;;
        esac
    done >verifier
    cat verifier
    ! [ -s verifier ]
}
settled() { [ "$(sed -n 's/.*"probe":"\([^"]*\)","type":"probe_state".*/\1/p' "$STDOUT" | sort -u | wc -l)" -ge "$1" ]; }
