#!/bin/sh
# fetch_boost_source.sh DIR [VERSION]: puts the sources of Boost.Fiber and Boost.Context into DIR, from the source
# package of the distribution (VERSION: 1.81 if not given), for a sanitizer build: cmake -DFROND_BOOST_SRC=DIR.
# apt works with settings and lists of its own below DIR; the machine's stay as they are, and root is not needed.
set -eu

[ $# -ge 1 ] || { sed -n '2,4s/^# //p' "$0" >&2; exit 2; }
version=${2:-1.81}
if [ -e "$1/libs" ]; then
    # libs comes last and in one step, so it is complete.
    [ "$(cut -d. -f1,2 "$1/VERSION" 2>/dev/null)" != "$version" ] || exit 0
    echo "$1/libs is there and is not Boost $version; give another folder" >&2
    exit 1
fi
mkdir -p "$1"
target=$(cd "$1" && pwd)
work=$target/download
rm -rf "$work"
mkdir -p "$work/lists/partial" "$work/cache/archives/partial" "$work/sources"

# Only archives of the distribution: others may be slow or have no sources at all.
for list in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
    [ -f "$list" ] || continue
    sed -n '/debian\|ubuntu/s/^deb /deb-src /p' "$list" >>"$work/sources/own.list"
done
for list in /etc/apt/sources.list.d/*.sources; do
    grep -q 'debian\|ubuntu' "$list" 2>/dev/null || continue
    sed 's/^Types:.*/Types: deb-src/' "$list" >"$work/sources/$(basename "$list")"
done

get() {
    apt-get -qq -o Dir::Etc::sourcelist=/dev/null -o "Dir::Etc::sourceparts=$work/sources" \
        -o "Dir::State::lists=$work/lists" -o "Dir::Cache=$work/cache" -o "APT::Sandbox::User=$(id -un)" "$@"
}
cd "$work"
get update
get source --download-only "boost$version" >/dev/null

archive=$(echo "boost${version}_"*.orig.tar.*)
tar -xf "$archive" --wildcards '*/libs/context/src/*' '*/libs/fiber/src/*' --strip-components=1
full=${archive#*_}
echo "${full%.orig.tar.*}" >"$target/VERSION"
mv libs "$target/libs"
cd "$target"
rm -rf "$work"
