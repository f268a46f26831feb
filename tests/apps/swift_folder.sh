#!/usr/bin/env bash
# Real Swift on a machine without Apple's tools: a folder with Debian 13, and in it the sample app's packages.
#
#   swift_folder.sh prepare   make the folder (two to four minutes, 3.5 GB), or see that it is there
#   swift_folder.sh lint      swift format, strict
#   swift_folder.sh core      build SegCore and run its tests with the golden vectors
#   swift_folder.sh engine    the same for SegEngine, with a fake engine
#   swift_folder.sh types     type-check engines, screens and device tests against stubs of Apple's frameworks
#   swift_folder.sh all       all of these, with a line for each
#
# RMPSAM_SWIFT_ROOT: the folder (default: .tools/trixie in the checkout). RMPSAM_VECTORS: other golden vectors.
# RMPSAM_APP: another copy of demo_ios. RMPSAM_BUNDLE: a bundle that SegCore's tests shall open.
# Exit status 77: the folder cannot be made here, with the reason.
set -euo pipefail

repository=$(cd "$(dirname "$0")/../.." && pwd)
root=${RMPSAM_SWIFT_ROOT:-$repository/.tools/trixie}
vectors=${RMPSAM_VECTORS:-$repository/tests/golden/vectors}
app=${RMPSAM_APP:-$repository/demo_ios}
packages="swiftlang libc6-dev libstdc++-14-dev"
# Observation's library of this toolchain lacks a symbol that only its crash path calls.
flags="-Xswiftc -warnings-as-errors -Xlinker --allow-shlib-undefined"

cannot() {
    echo "SKIPPED ($1)"
    exit 77
}

# Runs a command inside of the folder, with a /proc of its own that vanishes with it.
inside() {
    unshare --mount --pid --fork --mount-proc="$root/proc" chroot "$root" /usr/bin/env -i PATH=/usr/bin:/bin HOME=/root \
        LANG=C.UTF-8 RMPSAM_VECTORS=/check/vectors ${RMPSAM_BUNDLE:+RMPSAM_BUNDLE=/check/bundle} \
        RMPSAM_REPORT=/check/report.json DEBIAN_FRONTEND=noninteractive bash -c "set -o pipefail; $1"
}

prepare() {
    if [ -e "$root/ready" ]; then return; fi
    [ "$(id -u)" = 0 ] || cannot "chroot needs root"
    command -v debootstrap >/dev/null || cannot "debootstrap is not installed; run: apt-get install debootstrap"
    command -v unshare >/dev/null || cannot "unshare is not installed"
    local mirror
    mirror=$(apt-get indextargets --format '$(ORIGIN)|$(LABEL)|$(REPO_URI)' 'Created-By: Packages' 2>/dev/null |
        awk -F'|' '$1 == "Debian" && $2 == "Debian" { print $3; exit }')
    [ -n "$mirror" ] || cannot "this machine's apt names no Debian mirror"
    rm -rf "$root"
    mkdir -p "$root"
    timeout 250 debootstrap --variant=minbase trixie "$root" "$mirror" >"$root.log" 2>&1 ||
        cannot "debootstrap failed or took too long: $(tail -n 1 "$root.log")"
    inside "timeout 300 sh -c 'apt-get -q update && apt-get -q install -y --no-install-recommends $packages'" \
        >>"$root.log" 2>&1 || cannot "swiftlang cannot be installed, or not in time: $(tail -n 1 "$root.log")"
    touch "$root/ready"
}

# Sources go in as copies, so that no build output lies in the checkout.
copy() {
    mkdir -p "$root/check"
    rm -rf "$root/check/vectors" "$root/check/bundle" "$root/check/report.json" "$root/check/ios_stubs"
    cp -r "$vectors" "$root/check/vectors"
    cp -r "$repository/tests/apps/ios_stubs" "$root/check/ios_stubs"
    if [ -n "${RMPSAM_BUNDLE:-}" ]; then cp -r "$RMPSAM_BUNDLE" "$root/check/bundle"; fi
    # What was deleted in the checkout must go here too; build folders stay, for speed.
    find "$root/check/demo_ios" -name .build -prune -o -type f -exec rm -f {} + 2>/dev/null || true
    mkdir -p "$root/check/demo_ios"
    cp -r --preserve=timestamps "$app/." "$root/check/demo_ios"
}

lint() { inside "cd /check/demo_ios && swift format lint --strict --recursive --configuration .swift-format \
    SegCore/Sources SegCore/Tests SegCore/Package.swift SegEngine/Sources SegEngine/Tests SegEngine/Package.swift \
    RMPSAMDemo RMPSAMDemoTests"; }

build_and_test() {
    inside "cd /check/demo_ios/$1 && swift build --build-tests $flags 2>&1 | grep -v '^\[' &&
        swift test --skip-build $flags 2>&1 | grep -v 'started\|passed (\|passed at'"
}

types() { inside "cd /check && bash ios_stubs/check.sh"; }

all() {
    inside "swift --version 2>/dev/null; . /etc/os-release; echo \$PRETTY_NAME"
    for step in lint "build_and_test SegCore" "build_and_test SegEngine" types; do
        echo "== $step"
        if $step; then echo "== passed: $step"; else echo "== FAILED: $step"; return 1; fi
    done
}

prepare
case ${1:-all} in
prepare) inside "swift --version 2>/dev/null" ;;
lint) copy && lint ;;
core) copy && build_and_test SegCore ;;
engine) copy && build_and_test SegEngine ;;
types) copy && types ;;
all) copy && all ;;
*) echo "usage: swift_folder.sh prepare|lint|core|engine|types|all" >&2 && exit 2 ;;
esac
