# A container engine for the tests, without systemd. Sourced by .ci/run, which sets `work` and stops what is started.

SOCKET=/var/run/docker.sock

engine_answers() {
  [ -S "$SOCKET" ] && node -e '
    const { request } = require("node:http");
    const call = request({ socketPath: process.argv[1], path: "/_ping", timeout: 2000 }, (answer) => {
      process.exit(answer.statusCode === 200 ? 0 : 1);
    });
    call.on("timeout", () => process.exit(1)).on("error", () => process.exit(1)).end();
  ' "$SOCKET"
}

# Three attempts of at most five minutes each: package mirrors have bad moments.
install_engine() {
  for attempt in 1 2 3; do
    echo "ci: installing docker.io (attempt $attempt)"
    timeout 300 apt-get -qq -o Acquire::Retries=3 update >>"$work/apt.log" 2>&1 &&
      timeout 300 apt-get -qq -y --no-install-recommends install docker.io procps >>"$work/apt.log" 2>&1 &&
      command -v dockerd >/dev/null && return 0
    sleep $((attempt * 5))
  done
  tail -n 20 "$work/apt.log" >&2
  return 1
}

# Containers of the tests have no network, so the engine needs no bridge and no packet filter. Its state is its own: what an
# engine that was killed left in /run must not be in its way.
start_engine() {
  engine_answers && return 0
  for driver in overlay2 vfs; do
    echo "ci: starting dockerd ($driver)"
    dockerd --data-root "$work/docker-$driver" --exec-root "$work/exec" --pidfile "$work/dockerd.pid" \
      --storage-driver "$driver" --bridge=none \
      --iptables=false --ip6tables=false >"$work/dockerd-$driver.log" 2>&1 &
    engine_pid=$!
    for _ in $(seq 150); do
      engine_answers && return 0
      kill -0 "$engine_pid" 2>/dev/null || break
      sleep 0.2
    done
    stop_engine
    tail -n 20 "$work/dockerd-$driver.log" >&2
  done
  return 1
}
