#!/bin/sh
# Replays every fuzz target over its corpus: tests/fuzz/corpus/NAME for tests/fuzz/replay_NAME.
: "${top_srcdir:=.}" "${top_builddir:=.}"
ran=0 failed=0
for program in "$top_builddir"/tests/fuzz/replay_*; do
	name=${program##*/replay_}
	case $name in *.*) continue ;; esac
	[ -x "$program" ] || continue
	ran=$((ran + 1))
	echo "$name:"
	"$program" "$top_srcdir/tests/fuzz/corpus/$name" || failed=$((failed + 1))
done
echo "$((ran - failed)) passed, $failed failed"
[ "$ran" -gt 0 ] && [ "$failed" -eq 0 ]
