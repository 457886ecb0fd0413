# shellcheck shell=sh disable=SC2034,SC2154,SC3013 # sourced: its variables come from and go to the scripts that use it
# Shared by the scripts of contrib: installs what is missing (Debian 12) and builds. Sourced, not run.
# Needs: top (the source tree). Sets: build (the build tree).

say() {
	printf '%s\n' "== $*"
}

die() {
	printf '%s\n' "$0: $*" >&2
	exit 1
}

packages_build="gcc libc6-dev make autoconf automake pkg-config libevent-dev libcurl4-openssl-dev libjansson-dev libyaml-dev
	libsqlite3-dev libssl-dev libpcre2-dev zlib1g-dev libzstd-dev"
packages_unit="check"
packages_test="ca-certificates curl mandoc openssl python3 python3-jsonschema python3-yaml prometheus prometheus-alertmanager"
# A browser of some 300 MB, a mail server, of which a machine has one, and shells: their tests are skipped where they are missing.
packages_peers="chromium exim4-daemon-light fish zsh"

# install_missing PACKAGE...: as root, or with sudo.
install_missing() {
	command -v apt-get >/dev/null || die "there is no apt-get: this script is for Debian 12; README.md says how to build by hand"
	missing=
	for package in "$@"; do
		dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed || missing="$missing $package"
	done
	if [ -z "$missing" ]; then
		say "everything that is needed is installed"
		return
	fi
	as_root=
	if [ "$(id -u)" -ne 0 ]; then
		command -v sudo >/dev/null || die "to install$missing, run this as root, or install sudo"
		as_root=sudo
	fi
	say "installing$missing"
	# Services that a package brings are not to be started: the tests start their own. The file goes whatever ends this.
	(
		policy=/usr/sbin/policy-rc.d
		made_policy=
		# dash runs no EXIT trap when a signal ends the script.
		trap '[ -z "$made_policy" ] || $as_root rm -f "$policy"' EXIT
		trap 'exit 129' HUP
		trap 'exit 130' INT
		trap 'exit 143' TERM
		if [ ! -e "$policy" ]; then
			made_policy=yes
			printf '#!/bin/sh\nexit 101\n' | $as_root tee "$policy" >/dev/null && $as_root chmod +x "$policy"
		fi
		# shellcheck disable=SC2086 # the list is words
		$as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq &&
			$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $missing >/dev/null
	) || die "apt-get failed; see its message above"
}

# build_tree NAME CONFIGURE-OPTION...: configures and builds build/NAME. Repeats only the steps whose input changed.
build_tree() {
	name=$1
	shift
	build=$top/build/$name
	# make refuses to build beside a source tree that was configured itself.
	[ ! -f "$top/config.status" ] || die "$top was configured in place; run \"make distclean\" in $top, then $0 again"
	if [ ! -x "$top/configure" ] || [ "$top/configure.ac" -nt "$top/configure" ] || [ "$top/Makefile.am" -nt "$top/Makefile.in" ]; then
		say "making configure"
		(cd "$top" && autoreconf -fi >/dev/null 2>"$top/autoreconf.log") || { cat "$top/autoreconf.log" >&2; die "autoreconf failed"; }
		rm -f "$top/autoreconf.log"
	fi
	mkdir -p "$build"
	if [ ! -f "$build/config.status" ] || [ "$top/configure" -nt "$build/config.status" ]; then
		say "configuring $build"
		(cd "$build" && "$top/configure" -q "$@") || die "configure failed; see $build/config.log"
	fi
	make_counted building || die "the build failed"
}

# make_counted WHAT MAKE-ARGUMENT...: runs make, and shows one line that counts ("building 120 of 312") and what the compiler says.
# Make's status.
make_counted() {
	what=$1
	shift
	total=$(make -C "$build" -n "$@" 2>/dev/null | grep -cE '^echo "  (CC|CCLD|AR|GEN) ' || true)
	make_shown "$total" "$@"
}

# forget_results: removes what earlier runs left for totals to count: the tests of some are no more.
forget_results() {
	find "$build/tests" -name '*.trs' -exec rm -f {} +
}

# check_counted: runs the tests, and shows how many have ended ("tests 40 of 238") and which fail. Make's status.
check_counted() {
	forget_results
	what=tests
	# shellcheck disable=SC2016 # make expands it
	make_shown "$(printf 'include Makefile\ncount-tests:\n\t@echo $(words $(TESTS))\n' | make -C "$build" -s -f - count-tests)" check
}

# make_shown TOTAL MAKE-ARGUMENT...: runs make, and shows its progress under the name in $what. Make's status.
make_shown() {
	total=$1
	shift
	rm -f "$build/make.failed"
	{ make -C "$build" -s -j"$(nproc)" "$@" 2>&1 || : >"$build/make.failed"; } | "$top/contrib/lib/progress" "$what" "$total"
	[ ! -e "$build/make.failed" ]
}
