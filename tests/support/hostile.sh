#!/usr/bin/env bash
# Joins the acceptance list of hostile requests (tests/hostile.tsv) with the results in logs of the tests, prints both
# side by side, and fails when a row of the list has no result, or a result belongs to no row.
#
#   tests/support/hostile.sh LOG...
set -euo pipefail
list="$(dirname "$0")/../hostile.tsv"

{ grep -hoE '^H[0-9]{2} \| .*' "$@" || true; } | sort -u | awk -F '\t' '
  FNR == NR {
    if ($0 ~ /^#/) next
    rows[++count] = $1; attack[$1] = $2; expected[$1] = $3; peer[$1] = $4
    next
  }
  {
    split($0, part, / \| /)
    if (!(part[1] in attack)) { print "no such row: " $0; bad = 1; next }
    results[part[1]]++
    lines[part[1]] = lines[part[1]] "\n      ours: " part[2] " -> " part[3]
  }
  END {
    for (i = 1; i <= count; i++) {
      id = rows[i]
      print id "  " attack[id]
      print "      wanted: " expected[id] "   FastMCP 4.1.2: " peer[id] lines[id]
      if (!results[id]) { print "      NO RESULT"; missing = missing " " id }
      else total += results[id]
    }
    print count " rows, " total " results"
    if (count != 87) { print "the list has " count " rows instead of 87"; bad = 1 }
    if (missing) { print "rows without a result:" missing; bad = 1 }
    exit bad
  }
' "$list" -
