/** What an image may ask of the machine that unpacks it. All sizes in bytes. */
export interface ImageCaps {
  maxLayers: number;
  /** `index.json`, the manifest and the config, each. */
  maxJsonBytes: number;
  /** All layers together, as they are stored. */
  maxStoredBytes: number;
  /** All layers together, unpacked. */
  maxUnpackedBytes: number;
  /** Entries of all layers together: each costs an inode. */
  maxEntries: number;
  /** Unpacked to stored size of one layer, judged once `ratioFreeBytes` have come out of it. */
  maxRatio: number;
  ratioFreeBytes: number;
  maxPathBytes: number;
  maxDepth: number;
}

export const DEFAULT_CAPS: ImageCaps = {
  maxLayers: 128,
  maxJsonBytes: 4 * 1024 * 1024,
  maxStoredBytes: 4 * 1024 ** 3,
  maxUnpackedBytes: 8 * 1024 ** 3,
  maxEntries: 200_000,
  maxRatio: 100,
  ratioFreeBytes: 32 * 1024 * 1024,
  maxPathBytes: 4096,
  maxDepth: 64,
};
