# What the tests of the command share: running it, cases, and tests of what came out. Read by
# them with ".". Needs REASON and MODEL; exits 77 if they are not set.

if [ -z "$REASON" ] || [ -z "$MODEL" ]; then
    echo "SKIP all: REASON and MODEL say which command and which model to test"
    exit 77
fi

dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
out=$dir/out err=$dir/err
passed=0 failed=0 skipped=0
unset NO_COLOR

# run ARGUMENTS: the command without input; sets rc, fills $out and $err
run() {
    "$REASON" "$@" >"$out" 2>"$err" </dev/null
    rc=$?
}

# feed TEXT ARGUMENTS: the same with TEXT (a printf format) as input
feed() {
    text=$1
    shift
    # shellcheck disable=SC2059
    printf "$text" | "$REASON" "$@" >"$out" 2>"$err"
    rc=$?
}

# check NAME TEST...: one case, passed if the test command succeeds
check() {
    name=$1
    shift
    if "$@"; then
        passed=$((passed + 1))
        echo "PASS $name"
    else
        failed=$((failed + 1))
        echo "FAIL $name (exit code $rc)"
        sed 's/^/  stdout: /' "$out" | head -n 5
        sed 's/^/  stderr: /' "$err" | head -n 5
    fi
}

skip() {
    skipped=$((skipped + 1))
    echo "SKIP $1"
}

# Tests for check. They look at rc, $out and $err of the last run.
code() { [ "$rc" -eq "$1" ]; }
silent() { [ ! -s "$out" ]; }
lines() { [ "$(wc -l <"$out")" -eq "$1" ]; }
says() { grep -q -e "$1" "$err"; }
prints() { grep -q -e "$1" "$out"; }
sentence() { [ "$(wc -l <"$err")" -eq 1 ] && grep -q '^reason: .' "$err"; }
fails() { code 1 && silent && sentence; }
misuse() { code 2 && silent && sentence && says "see 'reason "; }
number() { sed -n "s/.*\"$1\": \\(-\\{0,1\\}[0-9][0-9]*\\).*/\\1/p" "$out"; }
text_of() { sed -n "s/.*\"$1\": \"\\([^\"]*\\)\".*/\\1/p" "$out"; }
has_keys() {
    for key in "$@"; do
        prints "\"$key\": " || return 1
    done
}
both() {
    first=$1
    second=$2
    $first && $second
}
size_is() { [ "$(wc -c <"$1")" -eq "$2" ]; }
escape=$(printf '\033')
no_escape() { ! grep -q "$escape" "$out" && ! grep -q "$escape" "$err"; }

# end: the sum, and the exit code of the test
end() {
    echo "passed $passed, failed $failed, skipped $skipped"
    [ "$failed" -eq 0 ]
}
