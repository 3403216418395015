#!/bin/sh
# Runs the program and compares what it prints. VSP=/path/to/vsp says which vsp, if it is not the one in the PATH.
cd "$(dirname "$0")" || exit 1
vsp=${VSP:-vsp}
failed=0

# check NAME EXPECTED INPUT [ARGUMENTS]
check() {
    name=$1 expected=$2 input=$3
    shift 3
    found=$(printf '%s' "$input" | "$vsp" run main.sil "$@") || failed=1
    if [ "$found" = "$expected" ]; then
        echo "ok: $name"
    else
        echo "FAILED: $name: expected \"$expected\", found \"$found\""
        failed=1
    fi
}

"$vsp" check --deny-warnings main.sil || failed=1
check "no input" "hello, world: 0 lines, 0 words" ""
check "two lines" "hello, Ada: 2 lines, 3 words" "one two
  three
" Ada
exit $failed
