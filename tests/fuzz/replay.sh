#!/bin/sh
# Replays every fuzz target over its corpus: tests/fuzz/fuzz_NAME.c, as replay_NAME, over tests/fuzz/corpus/NAME.
: "${top_srcdir:=.}" "${top_builddir:=.}"
passed=0 failed=0
for source in "$top_srcdir"/tests/fuzz/fuzz_*.c; do
	name=${source##*/fuzz_}
	name=${name%.c}
	echo "$name:"
	if "$top_builddir/tests/fuzz/replay_$name" "$top_srcdir/tests/fuzz/corpus/$name"; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
	fi
done
echo "$passed passed, $failed failed"
[ "$passed" -gt 0 ] && [ "$failed" -eq 0 ]
