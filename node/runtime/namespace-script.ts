import { WRITE_PID } from './supervisor-script.ts';

/**
 * The first process of a container, already in its namespaces: mounts, lets go of the machine's root, joins its control
 * groups last (so that the preparation does not count), and becomes the command.
 * Arguments: the container's folder, the stage, how many control groups, their `cgroup.procs` files, the command.
 */
export const NAMESPACE_SCRIPT = `
set -eu
dir=$1
stage=$2
groups=$3
shift 3
${WRITE_PID}
{ echo 500 >/proc/self/oom_score_adj; } 2>/dev/null || :
{ echo eaas >/proc/sys/kernel/hostname; } 2>/dev/null || hostname eaas 2>/dev/null || :
fd=3
while [ "$groups" -gt 0 ]; do
  eval "exec $fd>\\"\\$1\\""
  shift
  fd=$((fd + 1))
  groups=$((groups - 1))
done
mount --all --fstab "$dir/fstab"
cd "$stage"
pivot_root . old
umount --lazy /old
while [ "$fd" -gt 3 ]; do
  fd=$((fd - 1))
  eval "echo 0 >&$fd; exec $fd>&-"
done
exec "$@"
`;

/** With `user`, the namespaces belong to a user namespace, which needs no root. */
export type NamespaceMode = 'root' | 'user';

/**
 * `unshare --fork` would do this, but the one in util-linux 2.38 turns a kill into exit code 1. The first process that
 * is forked in here becomes the first of the new process namespace.
 */
const FORK_SCRIPT = `
"$@"
exit $?
`;

/** Namespaces around the script above. */
export function enterArgv(mode: NamespaceMode, dir: string, stage: string, joinFiles: string[]): string[] {
  return [
    'unshare',
    ...(mode === 'user' ? ['--user', '--map-root-user'] : []),
    ...['--mount', '--propagation', 'private', '--pid', '--net', '--ipc', '--uts'],
    ...['/bin/sh', '-c', FORK_SCRIPT, 'eaas-fork'],
    ...['/bin/sh', '-c', NAMESPACE_SCRIPT, 'eaas-container', dir, stage, String(joinFiles.length), ...joinFiles],
  ];
}

export interface ProgramInit {
  mode: NamespaceMode;
  /** The image's root in the stage. */
  root: string;
  /** Unprivileged user and group of the container, `root` mode only. */
  userId: number;
  limits: { pids: number; dataBytes: number | null };
  environment: Record<string, string>;
  workingDir: string;
  argv: string[];
}

/**
 * From root in the stage to nobody in the image. The order matters: privileges that the rest does not need go first,
 * and the stranger's environment reaches only the last tool, which is why variables that a loader reads are refused.
 * That tool enters the root and drops to the user, which takes the remaining capabilities away. A process whose root
 * is not its namespace's cannot make user namespaces, so it gets none back.
 */
export function programArgv(init: ProgramInit): string[] {
  const { mode, root, userId, limits } = init;
  const ids = [`--setgid=${userId}`, `--setuid=${userId}`];
  const nobody = ['--user', '--map-user=65534', '--map-group=65534'];
  return [
    ...['prlimit', '--core=0:0', '--nofile=1024:1024'],
    // Counted per user: a user of its own makes it the container's. All containers of one ordinary user share theirs.
    ...(mode === 'root' ? [`--nproc=${limits.pids}:${limits.pids}`] : []),
    ...(limits.dataBytes === null ? [] : [`--data=${limits.dataBytes}:${limits.dataBytes}`]),
    ...['setpriv', '--no-new-privs', '--inh-caps=-all'],
    ...(mode === 'root' ? ['--bounding-set=-all,+sys_chroot,+setuid,+setgid'] : []),
    ...['env', '-i', ...Object.entries(init.environment).map(([name, value]) => `${name}=${value}`)],
    // By its full path: the search path is the stranger's by now.
    ...['/usr/bin/unshare', `--root=${root}`, `--wd=${init.workingDir}`, ...(mode === 'root' ? ids : nobody)],
    ...init.argv,
  ];
}
