/** What `eaas init` has to ask; the rest has defaults. */
export interface InitAnswers {
  role: 'edge' | 'cloud';
  name: string;
  dataDir: string;
  chain: { rpcUrl: string; chainId: number; escrow: string; token: string };
  /** Null for a cloud; an edge has to add it before its first start. */
  place: { lat: number; lng: number } | { cell: string } | null;
  passwordFile: string | null;
  /** Rent the device out; default no. */
  offer?: boolean;
  /** UDP port of the packet forwarder; default none. */
  udpPort?: number | null;
  interfaces?: string[];
  /** Accounts that a cloud serves. */
  customers?: string[];
}

/** A commented YAML file that `loadConfig` reads back to the answers. What is commented out shows the default. */
export function configTemplate(answers: InitAnswers): string {
  const { chain } = answers;
  const text = JSON.stringify;
  return `# EaaS node. Every key can also be given as EAAS_SECTION_KEY (EAAS_API_PORT) or as a flag.

# edge runs and insures workloads; cloud receives what they deliver.
role: ${answers.role}
name: ${text(answers.name)}

# Keys, agreements and workloads. Relative paths start at this file.
dataDir: ${text(answers.dataDir)}

chain:
  rpcUrl: ${text(chain.rpcUrl)}
  chainId: ${chain.chainId}
  escrow: ${text(chain.escrow)}
  token: ${text(chain.token)}

keystore:
  # Without a file the password is asked for on the terminal.
  passwordFile: ${text(answers.passwordFile)}

${placeSection(answers)}${roleSection(answers)}
p2p:
  listen:
    - /ip4/0.0.0.0/tcp/4401
  # Addresses of nodes that know others, ending in /p2p/ and a peer id.
  bootstrap: []
  # Find nodes on the local network.
  mdns: true

# The local API that the other commands talk to, on 127.0.0.1 only.
api:
  port: 9477

log:
  # silent, error, warn, info or debug
  level: info
`;
}

const UNKNOWN_PLACE = `# Required: where the device is. Others see the cell (about 1.4 km), not the point.
# place:
#   lat: 0.0
#   lng: 0.0

`;

function placeSection({ place, role }: InitAnswers): string {
  if (place === null) return role === 'cloud' ? '' : UNKNOWN_PLACE;
  const lines = 'cell' in place ? `  cell: ${JSON.stringify(place.cell)}` : `  lat: ${place.lat}\n  lng: ${place.lng}`;
  return `# Where the device is. Others see the cell (about 1.4 km), not the point.\nplace:\n${lines}\n\n`;
}

function roleSection(answers: InitAnswers): string {
  return answers.role === 'cloud' ? cloudSection(answers) : edgeSection(answers);
}

function cloudSection({ customers = [] }: InitAnswers): string {
  return `cloud:
  port: 9490
  # Accounts whose agreements may deliver here.
  customers: ${JSON.stringify(customers)}
`;
}

function edgeSection(answers: InitAnswers): string {
  return `# LoRaWAN packet forwarder (Semtech UDP); null for a device without a radio.
south:
  udpPort: ${answers.udpPort ?? null}

# Connectivity the device can lend.
interfaces: ${JSON.stringify(answers.interfaces ?? [])}

# auto takes docker when an engine answers, else namespaces.
runtime: auto

# Heartbeats of new agreements. Shorter finds a failure sooner and sends more.
heartbeatIntervalMs: 1000

${offerSection(answers.offer ?? false)}
# Insuring own containers: the most to pay.
insure:
  maxStandbyPerHour: "0.01"
  maxActivePerHour: "0.1"
  maxDistanceM: 10000
`;
}

function offerSection(isOffered: boolean): string {
  const lines = `offer:
  prices:
    corePerHour: "0.01"
    memoryGiBPerHour: "0.005"
  # Shares of the device that stay its owner's.
  reserve:
    cpu: 0.25
    memory: 0.25
  # The most to put at stake in one agreement.
  maxStake: "100"
`;
  if (isOffered) return `# Renting out: prices of one hour, in tokens.\n${lines}`;
  const comment = lines.replace(/^/gm, '# ').trimEnd();
  return `# Renting out. Without this section the node offers nothing.\n${comment}\n`;
}
