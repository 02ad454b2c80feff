import type { Reading } from '../arbitrator/types.ts';

/** An OCI image that a runtime has taken in. */
export interface ImageRef {
  /** Digest of the image's OCI manifest, `sha256:…`. */
  digest: string;
}

export interface ContainerSpec {
  /** Unique on this machine; also how a crashed node finds it again. */
  name: string;
  imageDigest: string;
  /** Null runs the image's own entrypoint and command. */
  command: string[] | null;
  environment: Record<string, string>;
  labels: Record<string, string>;
  cpuMillis: number;
  memoryBytes: number;
  pids: number;
  /** Host folder that the container sees as `/run/eaas`: its only way in or out (unix sockets), no network. */
  socketsDir: string;
}

export interface ContainerInfo {
  id: string;
  name: string;
  labels: Record<string, string>;
  status: 'created' | 'running' | 'exited';
  exitCode: number | null;
}

/** What a running container uses now. */
export interface Usage {
  cpuMillis: number;
  memoryBytes: number;
}

export type RuntimeName = 'docker' | 'namespaces' | 'process';

/**
 * Runs strangers' containers. Implementations: docker, namespaces, process (the demo only); all pass
 * test/node/runtime/compliance.ts. Every method may be called again with the same arguments after a crash.
 */
export interface Runtime {
  readonly name: RuntimeName;
  /** Throws `RUNTIME_UNAVAILABLE` with the reason and a remedy. */
  check(): Promise<void>;
  /** Takes an image in from a verified OCI layout folder. Throws `IMAGE_INVALID`. */
  importImage(layoutDir: string): Promise<ImageRef>;
  hasImage(digest: string): Promise<boolean>;
  removeImage(digest: string): Promise<void>;
  /** Creates without starting (tier warm). Returns the id; an existing container of that name is returned as it is. */
  create(spec: ContainerSpec): Promise<string>;
  /** Throws `CONTAINER_START_FAILED` with the first lines of output when it exits at once. */
  start(id: string): Promise<void>;
  stop(id: string, graceMs: number): Promise<void>;
  remove(id: string): Promise<void>;
  list(label: string, value?: string): Promise<ContainerInfo[]>;
  sample(id: string): Promise<Usage>;
}

/** A LoRaWAN frame as a gateway received it. */
export interface Frame {
  /** PHYPayload, base64. */
  data: string;
  /** 8 hex digits, from the frame's header (not authenticated). */
  devAddr: string;
  /** Low 16 bits, from the frame's header (not authenticated). */
  fCnt16: number;
  gatewayId: string;
  receivedAtMs: number;
  rssi: number;
  lsnr: number;
}

/** The south side of a node: the radio. */
export interface South {
  /** The UDP port it listens on. */
  readonly port: number;
  /** Frames since `sinceMs`, oldest first, at most the buffer's age and size, of these devices only. */
  buffered(devices: Set<string>, sinceMs: number): Frame[];
  /** Calls `listener` for each new frame of these devices. Returns the unsubscribe function. */
  subscribe(devices: Set<string>, listener: (frame: Frame) => void): () => void;
  stats(): { received: number; malformed: number; buffered: number; dropped: number };
  stop(): Promise<void>;
}

/**
 * The door of one running workload: `south.sock` streams frames to it, `north.sock` takes its readings
 * (both in the container's sockets folder; the wire format is in node/workload-door/README.md).
 */
export interface WorkloadDoor {
  readonly socketsDir: string;
  /** The epoch told to the workload on its next connection and stamped on its readings. */
  open(epoch: number): Promise<void>;
  /** Queues a frame for the workload; bounded, oldest dropped first (counted). */
  push(frame: Frame): void;
  onReadings(listener: (epoch: number, readings: Reading[]) => Promise<void>): void;
  /** True once the workload has connected since `open`. */
  connected(): boolean;
  close(): Promise<void>;
}

/** The north side of a node: readings on their way to the customer's cloud. Queued on disk, bounded, in order. */
export interface NorthRelay {
  enqueue(agreementId: string, epoch: number, readings: Reading[]): Promise<void>;
  /** Resolves when the queue of the agreement is empty, or when the signal aborts (false). */
  drained(agreementId: string, signal: AbortSignal): Promise<boolean>;
  stats(agreementId: string): {
    queued: number;
    accepted: number;
    duplicates: number;
    refused: number;
    dropped: number;
  };
  stop(): Promise<void>;
}
