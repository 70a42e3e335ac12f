#!/bin/sh
# serve_test.sh BUILD_DIR: `crawl` and `serve` together on the small tree; what they find is known.
set -eu
build=$1
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
: >"$work/address"
"$build/serve" "$here/site" --latency 1 >"$work/address" &
server=$!
trap 'kill "$server" 2>/dev/null || true; rm -rf "$work"' EXIT

tries=0
until grep -q '^listening on ' "$work/address"; do
    tries=$((tries + 1))
    if [ "$tries" -gt 100 ]; then
        echo "the server did not start" >&2
        exit 1
    fi
    sleep 0.1
done
url=$(sed -n 's/^listening on //p' "$work/address")

cat >"$work/expected" <<END
broken: ${url}guide/sori.html
    status 404
    on ${url}glossary.html
pages        6
other files  2
links        30
broken links 1
redirects    1
external     1 URLs of other hosts, not loaded
received     0.0 MB
END

for engine in "" "--threads 2" "--threads 4" --ordered "--ordered --threads 4" --threads-instead; do
    status=0
    # shellcheck disable=SC2086 # an option and its value
    "$build/crawl" "$url" --concurrency 3 --json "$work/json" $engine >"$work/summary" 2>"$work/errors" || status=$?
    # A listing comes first, and is looked at below.
    grep -v -e '^wall time' -e '^in flight' -e '^[0-9]\{3\} ' "$work/summary" >"$work/found" || true
    diff "$work/expected" "$work/found"
    if [ "$status" -ne 1 ]; then
        echo "exit code $status, not 1 for a broken link" >&2
        exit 1
    fi
    # Neither colours nor a progress line where nobody is watching. (In its builds, AddressSanitizer warns of every
    # program that switches stacks.)
    if grep -v "ASan doesn't fully support makecontext" "$work/errors" | grep . >&2; then exit 1; fi
    test "$(wc -l <"$work/json")" -eq 10
done

# All that is said of each URL but how long it took, in the order of the page that leads to it; and the same of `--json`.
cat >"$work/expected" <<END
200 ${url}
200 ${url}style.css
END
"$build/crawl" "$url" --ordered --concurrency 1 --json "$work/json" >"$work/summary" || true
grep '^[0-9]\{3\} ' "$work/summary" >"$work/expected_list"
sed 's/"ms":[0-9]*//' "$work/json" >"$work/expected_json"
head -n 2 "$work/expected_list" | diff "$work/expected" -
test "$(wc -l <"$work/expected_list")" -eq 10
for options in "--concurrency 3" "--concurrency 50" "--threads 2" "--threads 4 --concurrency 5"; do
    # shellcheck disable=SC2086 # options and their values
    "$build/crawl" "$url" --ordered $options --json "$work/json" >"$work/summary" || true
    grep '^[0-9]\{3\} ' "$work/summary" | diff "$work/expected_list" -
    sed 's/"ms":[0-9]*//' "$work/json" | diff "$work/expected_json" -
done
# In any order, it is the same list.
"$build/crawl" "$url" --list >"$work/summary" || true
grep '^[0-9]\{3\} ' "$work/summary" | sort >"$work/found"
sort "$work/expected_list" | diff - "$work/found"

status=0
"$build/crawl" "${url}guide/spores.html" --depth 0 >/dev/null || status=$?
test "$status" -eq 0
# rejects MESSAGE OPTION...: wrong usage is said, and nothing is crawled.
rejects() {
    message=$1
    shift
    status=0
    "$build/crawl" "$url" "$@" >/dev/null 2>"$work/errors" || status=$?
    if [ "$status" -ne 2 ] || ! grep -q -e "$message" "$work/errors"; then
        echo "exit code $status for $*, and this message:" >&2
        cat "$work/errors" >&2
        exit 1
    fi
}
rejects 'no-such-option' --no-such-option
for threads in 0 -1 two 1.5 1025 99999999999999999999; do
    rejects "^--threads: Value $threads not in range 1 to 1024" --threads "$threads"
done
rejects '^--threads: .* missing' --threads
rejects '^--threads excludes --threads-instead' --threads 2 --threads-instead
rejects '^--deadline excludes --threads-instead' --deadline 2 --threads-instead
rejects '^--ordered excludes --threads-instead' --ordered --threads-instead
rejects '^--deadline: Value 0 not in range' --deadline 0
