#!/usr/bin/env bash
# Side by side on this machine: agentmon, GNU parallel, task-spooler, pueue. Skips what is not installed, and says so.
#
#   contrib/compare-runners.sh [PATH-OF-AGENTMON] [tree|kill|start|memory|short ...]
#
# tree    what is left of a hostile tree of processes after the runner's own stop
# kill    tasks lost or run twice after `kill -9` of the scheduler, alone or with its tasks, and the runner's own way to go on
# start   time from the command to the first byte of the task
# memory  of what waits for one task (RssAnon)
# short   200 tasks of 10 ms
#
# Needs bash, git, procps and setsid (Linux). Works in a temporary folder, with a home of its own; touches nothing else.
set -u
agentmon=$(realpath "${1:-target/release/agentmon}")
[ -x "$agentmon" ] || { echo "no program: $agentmon"; exit 2; }
shift
[ $# -gt 0 ] || set -- tree kill start memory short

ground=$(mktemp -d)
export HOME=$ground/home XDG_CONFIG_HOME=$ground/config XDG_DATA_HOME=$ground/data XDG_STATE_HOME=$ground/state
export XDG_RUNTIME_DIR=$ground/runtime XDG_CACHE_HOME=$ground/cache TS_SOCKET=$ground/tsp
mkdir -p "$HOME/.parallel" "$XDG_RUNTIME_DIR"
touch "$HOME/.parallel/will-cite"
tsp=$(command -v tsp || command -v ts || true)
case $("${tsp:-true}" -h 2>&1) in *spooler*|*TS_SOCKET*) ;; *) tsp= ;; esac
parallel=$(command -v parallel || true)
pueue=$(command -v pueue || true)
daemon=
# All that sleeps here sleeps so many seconds and a fraction, as nobody else does.
seconds=7$$
sleeps() { pgrep -f "^([^ ]*/)?sleep $seconds\.[$1]\$"; }
end_sleeps() { sleeps 1-5 | xargs -r kill -9 2>/dev/null; }

end() {
  [ -z "$tsp" ] || timeout 5 "$tsp" -K 2>/dev/null
  [ -z "$daemon" ] || kill -9 "$daemon" 2>/dev/null
  end_sleeps
  rm -rf "$ground"
}
trap end EXIT

say() { printf '%-34s %s\n' "$1" "$2"; }
now() { echo $(($(date +%s%N) / 1000)); }
median() { sort -n | awk '{ all[NR] = $1 } END { print all[int((NR + 1) / 2)] }'; }
# A repository of its own, so that no run meets the files of another.
fresh() { rm -rf "$ground/shop" && git init -q "$ground/shop" && cd "$ground/shop" || exit 2; }
# Waits up to $1 tenths of a second until the rest succeeds.
until_true() {
  local left=$1
  shift
  while ! "$@"; do
    [ "$left" -gt 0 ] || return 1
    left=$((left - 1))
    sleep 0.1
  done
}
start_pueue() {
  mkdir -p "$ground/pueue"
  pueued >"$ground/pueue/log" 2>&1 &
  daemon=$!
  # A daemon that was killed leaves its socket, and the next one takes a while on a busy machine.
  until_true 200 timeout 5 "$pueue" status >/dev/null 2>&1
}
memory_of() { awk '/^RssAnon/ { print $2 }' "/proc/$1/status" 2>/dev/null || echo 0; }

# --- tree

cat >"$ground/hostile" <<AGENT
#!/usr/bin/env bash
sleep $seconds.1 &                                # a plain child
(trap '' TERM; exec sleep $seconds.2) &           # one that ignores TERM
setsid sleep $seconds.3 &                         # one in a session of its own
(setsid env -i $(command -v sleep) $seconds.4 &)  # a daemon without an environment
wait
AGENT
chmod +x "$ground/hostile"

living() { sleeps 1-4 | wc -l; }
all_live() { [ "$(living)" -ge 4 ]; }
none_lives() { [ "$(living)" -eq 0 ]; }
left() {
  until_true 30 none_lives
  local kinds=("" "plain child" "ignores TERM" "setsid" "daemon") names="" number
  for number in 1 2 3 4; do
    if sleeps "$number" >/dev/null; then names="$names, ${kinds[number]}"; fi
  done
  say "$1" "$(living) of 4 left${names:+: ${names#, }}"
  end_sleeps
  until_true 30 none_lives
}

tree() {
  echo "== a hostile tree, after the runner's own stop"
  fresh
  timeout 20 "$agentmon" run tree --detach --grace 1s -- "$ground/hostile" >/dev/null
  until_true 50 all_live
  timeout 20 "$agentmon" stop tree >/dev/null
  left "agentmon stop"
  timeout -k 1 1 "$ground/hostile"
  left "timeout -k 1 (coreutils)"
  if [ -n "$parallel" ]; then
    timeout 60 "$parallel" ::: "$ground/hostile" >/dev/null 2>&1 &
    until_true 50 all_live
    local pid
    pid=$(pgrep -P $! -f parallel | head -1)
    # The first TERM waits for what runs, the second ends it.
    kill -TERM "$pid"; sleep 0.3; kill -TERM "$pid"
    wait $! 2>/dev/null
    left "GNU parallel, TERM twice"
  fi
  if [ -n "$tsp" ]; then
    timeout 5 "$tsp" "$ground/hostile" >/dev/null
    until_true 50 all_live
    timeout 5 "$tsp" -k
    left "task-spooler -k"
    timeout 5 "$tsp" -K
  fi
  if [ -n "$pueue" ]; then
    start_pueue
    timeout 5 "$pueue" add -- "$ground/hostile" >/dev/null
    until_true 50 all_live
    timeout 5 "$pueue" kill >/dev/null
    left "pueue kill"
    kill -9 "$daemon"; daemon=
  fi
}

# --- kill

cat >"$ground/task" <<'AGENT'
#!/usr/bin/env bash
# $1: its number, $2: where it writes what it did.
mkdir "$2/lock-$1" 2>/dev/null || echo "$1" >>"$2/twice"
echo "$1" >>"$2/starts"
sleep 1
rmdir "$2/lock-$1" 2>/dev/null
echo "$1" >>"$2/ends"
AGENT
chmod +x "$ground/task"
tasks=12

marks() { rm -rf "$ground/marks" && mkdir -p "$ground/marks" && cd "$ground/marks" && touch starts ends twice; }
count() { wc -l <"$ground/marks/$1"; }
# Others have begun, and are far from their end.
some_ended() { [ "$(count ends)" -ge 3 ] && [ "$(count starts)" -gt "$(count ends)" ]; }
all_ended() { [ "$(sort -u "$ground/marks/ends" | wc -l)" -ge "$tasks" ]; }
outcome() {
  local lost repeated
  lost=$((tasks - $(sort -u "$ground/marks/ends" | wc -l)))
  repeated=$(sort "$ground/marks/ends" | uniq -d | wc -l)
  say "$1" "of $tasks: $lost lost, $repeated succeeded twice, $(sort -u "$ground/marks/twice" | wc -l) ran twice at once; exit code $2"
}
batch_file() {
  local number
  for number in $(seq "$tasks"); do
    printf '{"name":"task-%s","command":["%s","%s","%s"]}\n' "$number" "$ground/task" "$number" "$ground/marks"
  done >"$ground/tasks.jsonl"
}

offspring() {
  local child
  for child in $(pgrep -P "$1"); do echo "$child"; offspring "$child"; done
}
# kill -9 of a scheduler; with `all`, of everything below it as well, as where memory runs out.
crash() {
  local others=
  until_true 80 some_ended
  [ "$2" != all ] || others=$(offspring "$1")
  # shellcheck disable=SC2086 # several ids
  kill -9 "$1" $others 2>/dev/null
  wait "$1" 2>/dev/null
  [ "$2" != all ] || { sleep 0.3; rm -rf "$ground"/marks/lock-*; }
}

kill_() {
  batch_file
  local what pid code more number
  for what in scheduler all; do
    echo "== $tasks tasks of 1 s, three at a time; kill -9 of ${what/all/scheduler and tasks} once three have ended, then on again"
    marks; fresh
    "$agentmon" batch "$ground/tasks.jsonl" --jobs 3 --delay 0s --quiet >/dev/null 2>&1 &
    crash $! $what
    timeout 60 "$agentmon" batch "$ground/tasks.jsonl" --jobs 3 --delay 0s --quiet --continue >/dev/null 2>&1
    outcome "agentmon batch --continue" $?
    for more in ${parallel:+"" "--results $ground/results"}; do
      rm -rf "$ground/joblog" "$ground/results"; marks
      # shellcheck disable=SC2086 # words of options
      seq "$tasks" | "$parallel" -j3 --joblog "$ground/joblog" $more "$ground/task" {} "$ground/marks" >/dev/null 2>&1 &
      crash $! $what
      # shellcheck disable=SC2086
      seq "$tasks" | timeout 60 "$parallel" -j3 --joblog "$ground/joblog" $more --resume "$ground/task" {} "$ground/marks" >/dev/null 2>&1
      code=$?
      until_true 15 all_ended
      outcome "GNU parallel --resume${more:+ --results}" $code
    done
    if [ -n "$tsp" ]; then
      marks
      timeout 5 "$tsp" -S 3
      for number in $(seq "$tasks"); do timeout 5 "$tsp" "$ground/task" "$number" "$ground/marks" >/dev/null; done
      # The server was forked from the first command.
      pid=$(pgrep -fo "^([^ ]*/)?tsp? ")
      crash "$pid" $what
      rm -f "$TS_SOCKET"
      timeout 5 "$tsp" >/dev/null 2>&1
      code=$?
      until_true 30 all_ended
      outcome "task-spooler (keeps no record)" $code
      timeout 5 "$tsp" -K
    fi
    if [ -n "$pueue" ]; then
      marks
      start_pueue
      timeout 5 "$pueue" parallel 3 >/dev/null
      for number in $(seq "$tasks"); do timeout 5 "$pueue" add -- "$ground/task" "$number" "$ground/marks" >/dev/null; done
      crash "$daemon" $what
      start_pueue
      timeout 5 "$pueue" start >/dev/null
      until_true 80 all_ended
      timeout 5 "$pueue" wait --quiet >/dev/null 2>&1
      outcome "pueue, started again" $?
      kill -9 "$daemon"; daemon=
    fi
  done
}

# --- start

rounds=15

start() {
  echo "== from the command to the first byte of the task, median of $rounds, in ms"
  local kind
  local kinds=(alone "agentmon run" "agentmon run -d")
  [ -z "$parallel" ] || kinds+=(parallel)
  [ -z "$tsp" ] || kinds+=(task-spooler)
  [ -z "$pueue" ] || { start_pueue; kinds+=(pueue); }
  fresh
  local round begun number=0 file
  for round in $(seq "$rounds"); do
    for kind in "${kinds[@]}"; do
      number=$((number + 1))
      file=$ground/byte-$number
      local words=(sh -c "date +%s%N >$file")
      begun=$(now)
      case $kind in
        alone) timeout 10 "${words[@]}" ;;
        "agentmon run") timeout 10 "$agentmon" run "one-$number" -- "${words[@]}" ;;
        "agentmon run -d") timeout 10 "$agentmon" run "one-$number" --detach -- "${words[@]}" ;;
        parallel) timeout 10 "$parallel" ::: "date +%s%N >$file" ;;
        task-spooler) timeout 10 "$tsp" "${words[@]}" ;;
        pueue) timeout 10 "$pueue" add -- "date +%s%N >$file" ;;
      esac >/dev/null 2>&1
      until_true 50 test -s "$file"
      echo $(($(cat "$file") / 1000 - begun)) >>"$ground/times-${kind// /_}"
    done
  done
  for kind in "${kinds[@]}"; do
    say "$kind" "$(median <"$ground/times-${kind// /_}" | awk '{ printf "%.1f", $1 / 1000 }')"
  done
  [ -z "$pueue" ] || { kill -9 "$daemon"; daemon=; }
  [ -z "$tsp" ] || timeout 5 "$tsp" -K
}

# --- memory

memory() {
  echo "== memory of its own of what waits for one task (RssAnon, kB)"
  fresh
  timeout 10 "$agentmon" run waits --detach -- sleep $seconds.5 >/dev/null
  local pid
  pid=$(grep -A1 '"supervisor"' .agents/runs/waits/run.json | grep -o '[0-9][0-9]*' | head -1)
  say "agentmon: a supervisor" "$(memory_of "$pid")"
  timeout 20 "$agentmon" stop waits >/dev/null 2>&1
  printf '{"name":"waits-2","command":["sleep","%s.5"]}\n' "$seconds" >"$ground/one.jsonl"
  "$agentmon" batch "$ground/one.jsonl" --quiet >/dev/null 2>&1 &
  pid=$!
  sleep 0.7
  say "agentmon: a scheduler" "$(memory_of $pid)"
  kill -TERM $pid; wait $pid
  if [ -n "$parallel" ]; then
    "$parallel" ::: "sleep $seconds.5" >/dev/null 2>&1 &
    pid=$!
    sleep 1
    say "GNU parallel: one for all" "$(memory_of $pid)"
    kill -9 $pid; end_sleeps; wait $pid 2>/dev/null
  fi
  if [ -n "$tsp" ]; then
    timeout 5 "$tsp" sleep $seconds.5 >/dev/null
    sleep 0.3
    local sum=0 part
    for part in $(pgrep -f "^([^ ]*/)?tsp? sleep $seconds"); do sum=$((sum + $(memory_of "$part"))); done
    say "task-spooler: server and client" "$sum"
    timeout 5 "$tsp" -k; timeout 5 "$tsp" -K
  fi
  if [ -n "$pueue" ]; then
    start_pueue
    timeout 5 "$pueue" add -- sleep $seconds.5 >/dev/null
    sleep 0.5
    say "pueue: one for all" "$(memory_of "$daemon")"
    timeout 5 "$pueue" kill >/dev/null; kill -9 "$daemon"; daemon=
  fi
}

# --- short

short() {
  echo "== 200 tasks of 10 ms, four at a time, median of 3, in s"
  local number round kind begun
  local kinds=(agentmon)
  [ -z "$parallel" ] || kinds+=(parallel parallel_--joblog_--results)
  [ -z "$tsp" ] || kinds+=(task-spooler)
  [ -z "$pueue" ] || { start_pueue; timeout 5 "$pueue" parallel 4 >/dev/null; kinds+=(pueue); }
  for number in $(seq 200); do
    printf '{"name":"task-%s","command":["sleep","0.01"]}\n' "$number"
  done >"$ground/short.jsonl"
  for round in 1 2 3; do
    for kind in "${kinds[@]}"; do
      fresh
      begun=$(now)
      case $kind in
        agentmon) timeout 100 "$agentmon" batch "$ground/short.jsonl" --jobs 4 --delay 0s --quiet ;;
        parallel) seq 200 | timeout 100 "$parallel" -j4 sleep 0.01 '#' ;;
        parallel_*) seq 200 | timeout 100 "$parallel" -j4 --joblog joblog --results results sleep 0.01 '#' ;;
        task-spooler)
          timeout 5 "$tsp" -S 4
          for number in $(seq 200); do timeout 10 "$tsp" -n sleep 0.01; done
          timeout 100 "$tsp" -w ;;
        pueue)
          for number in $(seq 200); do timeout 10 "$pueue" add -- sleep 0.01; done
          timeout 100 "$pueue" wait --quiet ;;
      esac >/dev/null 2>&1 || echo "$kind: exit code $?"
      echo $(($(now) - begun)) >>"$ground/short-$kind"
    done
  done
  for kind in "${kinds[@]}"; do
    say "${kind//_/ }" "$(median <"$ground/short-$kind" | awk '{ printf "%.2f", $1 / 1000000 }')"
  done
  [ -z "$pueue" ] || { kill -9 "$daemon"; daemon=; }
  [ -z "$tsp" ] || timeout 5 "$tsp" -K
}

uptime
[ -n "$parallel" ] && "$parallel" --version | head -1 || echo "skipped: GNU parallel is not installed"
[ -n "$tsp" ] && "$tsp" -V 2>&1 | head -1 || echo "skipped: task-spooler is not installed"
[ -n "$pueue" ] && "$pueue" --version || echo "skipped: pueue is not installed"
for part; do
  case $part in kill) kill_ ;; tree | start | memory | short) "$part" ;; *) echo "no part: $part"; exit 2 ;; esac
done
