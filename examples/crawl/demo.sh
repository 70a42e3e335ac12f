#!/bin/sh
# demo.sh BUILD_DIR: crawls a real documentation tree on this machine, with frond on one thread and on all cores, and
# with plain threads, and runs the nested program. BUILD_DIR is where this folder is built, as build/release/examples/crawl.
# Environment: LATENCY (ms a request, default 20), CONCURRENCY (default 100), THREADS (default: one a core).
set -eu

build=${1:?usage: demo.sh BUILD_DIR}
here=$(cd "$(dirname "$0")" && pwd)
latency=${LATENCY:-20}
concurrency=${CONCURRENCY:-100}
cores=${THREADS:-$(nproc)}
cache=${XDG_CACHE_HOME:-$HOME/.cache}/frond
package=postgresql-doc-15
tree=$cache/$package/usr/share/doc/$package/html

work=$(mktemp -d)
server=
crawler=
stop() {
    # Not asked nicely: the crawler would finish its requests and say so.
    for process in $crawler $server; do kill -KILL "$process" 2>/dev/null || true; done
    rm -rf "$work"
}
trap stop EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 141' PIPE
trap 'exit 143' TERM

for program in crawl serve ../example_nested; do
    if [ ! -x "$build/$program" ]; then
        echo "demo.sh: $build/$program is missing; build the target examples/all first" >&2
        exit 2
    fi
done

download() {
    apt-get download "$package" >apt.log 2>&1 && return 0
    # A fresh machine has no package lists yet.
    [ "$(id -u)" -eq 0 ] && apt-get update >>apt.log 2>&1 && apt-get download "$package" >>apt.log 2>&1
}

# Downloads and unpacks the tree; nothing is installed. Unpacked aside and moved, so that a half of it is never used.
fetch_tree() {
    command -v apt-get >/dev/null && command -v dpkg >/dev/null || return 1
    mkdir -p "$cache" "$work/unpacked" || return 1
    (cd "$work" && download) || return 1
    dpkg -x "$work"/"$package"_*.deb "$work/unpacked" || return 1
    rm -rf "${cache:?}/$package" && mv "$work/unpacked" "$cache/$package"
}

if [ ! -f "$tree/index.html" ]; then
    echo "Fetching $package (2 MB) into $cache ..."
    if ! fetch_tree; then
        echo "It cannot be had; the small tree that comes with the example takes its place."
        tree=$here/site
    fi
fi

: >"$work/address"
"$build/serve" "$tree" --latency "$latency" >"$work/address" &
server=$!
tries=0
until url=$(sed -n 's/^listening on //p' "$work/address") && [ -n "$url" ]; do
    tries=$((tries + 1))
    if [ "$tries" -gt 100 ] || ! kill -0 "$server" 2>/dev/null; then
        echo "demo.sh: the server did not start" >&2
        exit 1
    fi
    sleep 0.1
done
# From its index page, because / would be the same page once more under another address.
url=${url}index.html

echo "Serving $tree at $url, $latency ms a request."
echo

# crawl_with LABEL [OPTION...]: 1 is the code for broken links, which this tree has.
crawl_with() {
    label=$1
    shift
    echo "--- $label: crawl $url --concurrency $concurrency${*:+ $*}"
    status=0
    # In the background, because a shell heeds signals while it waits, not while a program runs in front.
    "$build/crawl" "$url" --concurrency "$concurrency" "$@" >"$work/summary" &
    crawler=$!
    wait "$crawler" || status=$?
    crawler=
    cat "$work/summary"
    echo
    if [ "$status" -gt 1 ]; then exit "$status"; fi
    seconds=$(sed -n 's/^wall time *\([0-9.]*\) s$/\1/p' "$work/summary")
    grep -v -E '^(wall time|in flight)' "$work/summary" >"$work/found"
    if [ ! -f "$work/expected" ]; then mv "$work/found" "$work/expected"; fi
    if [ -f "$work/found" ] && ! cmp -s "$work/found" "$work/expected"; then
        echo "demo.sh: the crawls found different things" >&2
        exit 1
    fi
}

crawl_with "fibers on one thread" --threads 1
one=$seconds
several=
if [ "$cores" -gt 1 ]; then
    crawl_with "fibers on $cores threads" --threads "$cores"
    several=$seconds
fi
crawl_with "a thread for each request in flight" --threads-instead
threads=$seconds

awk -v one="$one" -v several="$several" -v cores="$cores" -v threads="$threads" '
    function line(what, seconds) {
        printf "    %-38s %.2f s", what, seconds
        if (one > 0) printf "  (%.2f times as long as on one thread)", seconds / one
        print ""
    }
    BEGIN {
        print "All found the same."
        printf "    %-38s %.2f s\n", "fibers on one thread", one
        if (several != "") line("fibers on " cores " threads", several)
        line("a thread for each request in flight", threads)
    }'

echo
echo "--- nested: 10 tasks that spawn 10 tasks each, all sleeping 0.1 s"
"$build/../example_nested"
