import { type ComposeWorkload, parseCompose } from '../../market/compose.ts';
import type { ComposeProblem } from '../../market/compose-tree.ts';

export const SERVICE = `services:
  app:
    image: device-service:1
    cpus: 0.25
    mem_limit: 64m
`;
export const MARKET = `x-eaas:
  place: { lat: -22.87, lng: -43.17 }
  tier: warm
  activation: failure
  term: 24h
  price: { standbyPerHourMax: 0.01, activePerHourMax: "0.1" }
  stake: 5
`;
export const MINIMAL = SERVICE + MARKET;
export const DIGEST = `sha256:${'ab'.repeat(32)}`;
export const CLOUD = '0x00000000000000000000000000000000000000aa';

export const FULL = `name: bridge
services:
  app:
    image: registry.example/device-service@${DIGEST}
    command: ["node", "main.js", "--port=80"]
    environment:
      MODE: \${MODE:-fast}
      COUNT: 12
      TABBED: "a\\tb"
      PRICE: $$5
    deploy:
      resources:
        limits: { cpus: "0.5", memory: 128Mi, pids: 32 }
    read_only: true
    restart: on-failure
  helper:
    image: helper
    environment: [KEY=a=b, EMPTY=]
    cpus: \${CPUS:-0.1}
    mem_limit: 16m
x-eaas:
  place: 87a8a06a3ffffff
  maxDistance: 5km
  interfaces: [lorawan-eu868]
  devices: [0012e456, 26011111, "260B00FF"]
  tier: hot
  activation: request
  witnesses: { count: 2, quorum: 1 }
  term: 90m
  heartbeat: 200ms
  suspectAfterMissed: 3
  frameBuffer: 30s
  price: { standbyPerHourMax: "0.0036", activePerHourMax: "0.036" }
  stake: "2.5"
  cloud: { url: "http://127.0.0.1:8080/readings", address: "${CLOUD}" }
  storage: 1Gi
  bandwidth: 1Mbps
`;

export function read(text: string, env: Record<string, string> = {}): ComposeWorkload {
  const result = parseCompose(text, env);
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return result.workload;
}

export function problemsOf(text: string, env: Record<string, string> = {}): ComposeProblem[] {
  const result = parseCompose(text, env);
  return result.ok ? [] : result.problems;
}

/** Adds a line to the service; it becomes line 6. */
export function withServiceLine(line: string): string {
  return `${SERVICE}    ${line}\n${MARKET}`;
}

export function withMarket(key: string, line: string): string {
  const kept = MARKET.split('\n').filter((each) => !each.startsWith(`  ${key}:`));
  return `${SERVICE}${kept.join('\n')}  ${line}\n`;
}
