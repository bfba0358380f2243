#!/bin/sh
# Every command has a manual page, and each page has the options of the command's table and no
# others, with their letters. mandoc finds nothing to say. Prints PASS, FAIL or SKIP per case;
# exits 1 if a case failed, 77 if REASON or MODEL is not set.
#
#   REASON=path/to/reason MODEL=any sh tests/cli/test_manuals.sh

. "$(dirname "$0")/support.sh"
man=$(dirname "$0")/../../man

run --list-options
cp "$out" "$dir/list"
check list__succeeds code 0

# in_page FILE: a line for each option of a page: letter, name, whether it has a value
in_page() {
    sed -n 's/^\.It \(Fl .*\)$/\1/p' "$1" |
        sed 's/^Fl \([a-zA-Z]\) , Fl \\-/\1 /; s/^Fl \\-/. /; s/ Ar .*/ value/' | sort
}
# in_table COMMAND...: the same of the table
in_table() {
    for c in "$@"; do
        awk -F '\t' -v c="$c" '$1 == "option" && $2 == c {
            print ($4 == "" ? "." : $4) " " $3 ($5 == "" ? "" : " value") }' "$dir/list"
    done | sort -u
}

for command in $(awk -F '\t' '$1 == "command" { print $2 }' "$dir/list"); do
    page=$man/reason-$command.1
    check "pages__there_is_one_of_$command" [ -s "$page" ]
    check "pages__reason_names_$command" grep -q "^\.It Cm $command\$" "$man/reason.1"
    if grep -q '^\.so ' "$page"; then
        check "pages__$command is another one" [ -s "$man/$(sed -n 's,^\.so man1/,,p' "$page")" ]
        continue
    fi
    commands=$command
    [ "$command" = tokenize ] && commands="tokenize detokenize"
    in_page "$page" | grep -v '^h help$' >"$dir/page"
    # shellcheck disable=SC2086
    in_table $commands >"$dir/table"
    cat "$dir/page" >"$out"
    check "pages__options_of_$command" cmp "$dir/page" "$dir/table"
    check "pages__help_of_$command" grep -q '^\.It Fl h , Fl \\-help$' "$page"
    awk -F '\t' -v c="$command" '$1 == "command" && $2 == c { print ".Nd " $3 }' "$dir/list" >"$out"
    [ "$command" = tokenize ] ||
        check "pages__summary_of_$command" grep -q -x -F "$(cat "$out")" "$page"
    for choice in $(awk -F '\t' -v c="$command" '$1 == "option" && $2 == c {
            gsub(",", " ", $6); print $6 }' "$dir/list"); do
        grep -q "^\.Cm $choice\$\|^\.Cm $choice [,:.]\$" "$page" || echo "$choice"
    done >"$out"
    check "pages__choices_of_$command" silent
done
run chat --help
printf '/help\n' | "$REASON" chat -m "$MODEL" 2>&1 | sed -n 's,^\(/[a-z]*\) .*,\1,p' | sort >"$dir/helped"
sed -n 's,^\.It Ic \(/[a-z]*\).*,\1,p' "$man/reason-chat.1" | sort >"$dir/page"
check pages__commands_within_chat cmp "$dir/helped" "$dir/page"

for page in $(sed -n 's/^\.Xr \(reason[a-z-]*\) 1.*/\1/p' "$man"/*.1 | sort -u); do
    check "pages__there_is_the_$page that others name" [ -s "$man/$page.1" ]
done

if command -v mandoc >/dev/null; then
    for page in "$man"/*.1; do
        grep -q '^\.so ' "$page" && continue
        mandoc -Tlint -W warning "$page" >"$out" 2>&1
        check "mandoc__$(basename "$page")" silent
    done
else
    skip "mandoc: it is not there"
fi

end
