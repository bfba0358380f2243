#!/bin/sh
# Feeds every fuzz target its corpus; a crash, a leak or a hang of one input is a failure.
status=0
for target in tests/fuzz/fuzz_*; do
    [ -x "$target" ] || continue
    name=${target##*/fuzz_}
    corpus=$REASON_SRCDIR/tests/fuzz/corpus/$name
    if timeout 300 "./$target" "$corpus" > /dev/null; then
        echo "PASS: $name ($(find "$corpus" -type f | wc -l) inputs)"
    else
        echo "FAIL: $name"; status=1
    fi
done
exit $status
