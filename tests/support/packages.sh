# Functions for tests/run and tests/deploy/run, which source this from the repository's root: what tests need of Debian.

say() { printf '\n== %s\n' "$*"; }

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# install_packages 'COMMAND=PACKAGE...'...: the packages of each command that is not there, and Python's venv.
install_packages() {
  local missing=() pair
  for pair in "$@"; do
    # A command may take several packages.
    # shellcheck disable=SC2206
    PATH="$PATH:/usr/sbin:/sbin" command -v "${pair%%=*}" > /dev/null || missing+=(${pair#*=})
  done
  python3 -c 'import ensurepip' 2> /dev/null || missing+=(python3 python3-venv)
  [ "${#missing[@]}" = 0 ] && return
  say "installing ${missing[*]}"
  as_root apt-get update -qq
  # The packages would start services on the default ports; the tests start their own.
  printf '#!/bin/sh\nexit 101\n' | as_root tee /usr/sbin/policy-rc.d > /dev/null
  as_root chmod +x /usr/sbin/policy-rc.d
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"
  as_root rm -f /usr/sbin/policy-rc.d
}
