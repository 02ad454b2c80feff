/**
 * Shell that outlives the node: keeps one start per folder, keeps the exit code, and keeps the last output.
 * Arguments: the container's folder, then the command. Files it writes there:
 *
 * - `lock`: this shell's identity; made only where there is none, so that two nodes cannot start a container twice
 * - `exit`: the exit code (128 + signal when it was killed), once the command has ended and its output is on disk
 * - `groups`, only read: control groups, removed at the end, also when nobody comes to remove the container
 * - `log`, `log.1`: output, at most 1 MiB each, older in `log.1` (`dd` because it passes on what it has at once)
 */
export const SUPERVISOR_SCRIPT = `
set -u
dir=$1
shift
{ read -r self </proc/self/stat; } 2>/dev/null || self=$$
{ read -r boot </proc/sys/kernel/random/boot_id; } 2>/dev/null || boot=-
set -C
{ printf '%s\\n%s\\n' "$self" "$boot" >"$dir/lock"; } 2>/dev/null || exit 75
set +C
{
  code=0
  "$@" || code=$?
  printf '%s\\n' "$code" >"$dir/code"
} </dev/null 2>&1 | while dd bs=4096 count=256 >"$dir/log" 2>/dev/null && [ -s "$dir/log" ]; do
  mv "$dir/log" "$dir/log.1"
done
[ ! -f "$dir/groups" ] || while read -r group; do rmdir "$group" 2>/dev/null; done <"$dir/groups"
mv "$dir/code" "$dir/exit"
`;

/** Writes the identity of the process that the container will be, then becomes it. Used inside other scripts. */
export const WRITE_PID = `
{ read -r self </proc/self/stat; } 2>/dev/null || self=$$
{ read -r boot </proc/sys/kernel/random/boot_id; } 2>/dev/null || boot=-
printf '%s\\n%s\\n' "$self" "$boot" >"$dir/pid"
`;
