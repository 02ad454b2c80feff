const ISOLATION = "Remove it: a stranger's device runs workloads isolated, without privileges.";
const DOOR = 'Remove it: a workload reaches the world through the sockets in /run/eaas only.';
const VOLUMES = 'Remove it: a workload has a read-only root and /run/eaas; send what must last to the cloud.';
const BUILD = 'Build and tag the image first, then name it with `image`.';
const ONE_FILE = 'Remove it and write the service out: a workload file stands alone.';
const DEVICES = 'Remove it; name the connection the workload needs in x-eaas.interfaces instead.';
const SECRETS = 'Remove it: the workload file travels to the provider and can keep no secrets.';
const DOCKER_ONLY = 'Remove it: it depends on one kind of container engine.';
const ONE_EACH = 'Remove it: each service runs once; a workload may have up to eight services.';
const NO_ORDER = 'Remove it: all services start together; let them wait for each other.';
const HEALTH = 'Remove it: the heartbeat of the agreement tells whether a workload serves.';

/** Compose keys that a reader may expect to work, and what to do instead. */
export const REFUSED_SERVICE_KEYS: ReadonlyMap<string, string> = new Map([
  ...remedies(ISOLATION, [
    'privileged',
    'cap_add',
    'cap_drop',
    'security_opt',
    'userns_mode',
    'pid',
    'ipc',
    'uts',
    'cgroup',
    'cgroup_parent',
    'sysctls',
    'ulimits',
    'oom_kill_disable',
    'oom_score_adj',
    'runtime',
    'isolation',
    'credential_spec',
    'user',
    'group_add',
    'use_api_socket',
    'shm_size',
    'memswap_limit',
    'init',
  ]),
  ...remedies(DOOR, [
    'network_mode',
    'networks',
    'ports',
    'expose',
    'links',
    'external_links',
    'extra_hosts',
    'dns',
    'dns_opt',
    'dns_search',
    'hostname',
    'domainname',
    'mac_address',
  ]),
  ...remedies(VOLUMES, ['volumes', 'volumes_from', 'tmpfs', 'storage_opt', 'volume_driver']),
  ...remedies(DEVICES, ['devices', 'device_cgroup_rules', 'gpus']),
  ...remedies(BUILD, ['build', 'develop', 'pull_policy', 'platform']),
  ...remedies(ONE_FILE, ['extends', 'env_file', 'label_file', 'profiles', 'attach', 'provider']),
  ...remedies(SECRETS, ['secrets', 'configs']),
  ...remedies(ONE_EACH, ['scale']),
  ...remedies(NO_ORDER, ['depends_on', 'post_start', 'pre_stop']),
  ...remedies(HEALTH, ['healthcheck']),
  ...remedies(DOCKER_ONLY, [
    'container_name',
    'labels',
    'annotations',
    'logging',
    'entrypoint',
    'working_dir',
    'stdin_open',
    'tty',
    'stop_signal',
    'stop_grace_period',
  ]),
]);

export const REFUSED_TOP_KEYS: ReadonlyMap<string, string> = new Map([
  ['version', 'Remove it: Compose files carry no version any more.'],
  ...remedies(ONE_FILE, ['include']),
  ...remedies(DOOR, ['networks']),
  ...remedies(VOLUMES, ['volumes']),
  ...remedies(SECRETS, ['secrets', 'configs']),
  ...remedies(DOCKER_ONLY, ['models']),
]);

export const REFUSED_DEPLOY_KEYS: ReadonlyMap<string, string> = new Map([
  ...remedies(ONE_EACH, ['replicas', 'mode', 'endpoint_mode']),
  ['placement', 'Remove it; say where in x-eaas.place and x-eaas.maxDistance.'],
  ['restart_policy', 'Remove it; use `restart` of the service.'],
  ['update_config', 'Remove it: a new version is a new agreement.'],
  ['rollback_config', 'Remove it: a new version is a new agreement.'],
  ['labels', DOCKER_ONLY],
  ['reservations', 'Remove it: the limits are what is reserved.'],
  ['devices', DEVICES],
]);

function remedies(remedy: string, keys: string[]): [string, string][] {
  return keys.map((key) => [key, remedy]);
}
