import { z } from 'zod';

/** Parts of the OCI image specification 1.1 that we read; unknown keys are kept out, not refused. */

export const digestSchema = z.string().regex(/^sha256:[0-9a-f]{64}$/);

const descriptorSchema = z.object({
  mediaType: z.string().max(255),
  digest: digestSchema,
  size: z.int().min(0),
  platform: z.object({ architecture: z.string().max(64), os: z.string().max(64) }).optional(),
});
export type Descriptor = z.infer<typeof descriptorSchema>;

export const layoutSchema = z.object({ imageLayoutVersion: z.literal('1.0.0') });

export const indexSchema = z.object({
  schemaVersion: z.literal(2),
  manifests: z.array(descriptorSchema).min(1).max(64),
});

export const imageManifestSchema = z.object({
  schemaVersion: z.literal(2),
  config: descriptorSchema,
  layers: z.array(descriptorSchema).min(1),
});
export type ImageManifest = z.infer<typeof imageManifestSchema>;

const wordsSchema = z.array(z.string().max(4096)).max(256).nullish();

export const imageConfigSchema = z.object({
  architecture: z.string().max(64),
  os: z.string().max(64),
  config: z
    .object({
      Entrypoint: wordsSchema,
      Cmd: wordsSchema,
      Env: z.array(z.string().max(8192)).max(256).nullish(),
      WorkingDir: z.string().max(4096).nullish(),
    })
    .nullish(),
  rootfs: z.object({ type: z.literal('layers'), diff_ids: z.array(digestSchema) }),
});
export type ImageConfig = z.infer<typeof imageConfigSchema>;

export type Compression = 'none' | 'gzip' | 'zstd';

export const LAYER_MEDIA_TYPES: Record<Compression, string> = {
  none: 'application/vnd.oci.image.layer.v1.tar',
  gzip: 'application/vnd.oci.image.layer.v1.tar+gzip',
  zstd: 'application/vnd.oci.image.layer.v1.tar+zstd',
};

const COMPRESSION_BY_TYPE = new Map<string, Compression>([
  [LAYER_MEDIA_TYPES.none, 'none'],
  [LAYER_MEDIA_TYPES.gzip, 'gzip'],
  [LAYER_MEDIA_TYPES.zstd, 'zstd'],
  ['application/vnd.docker.image.rootfs.diff.tar', 'none'],
  ['application/vnd.docker.image.rootfs.diff.tar.gzip', 'gzip'],
]);

/** Undefined for layers that we do not read: foreign, encrypted, or something newer. */
export function compressionOf(mediaType: string): Compression | undefined {
  return COMPRESSION_BY_TYPE.get(mediaType);
}

export const MANIFEST_MEDIA_TYPE = 'application/vnd.oci.image.manifest.v1+json';
export const CONFIG_MEDIA_TYPE = 'application/vnd.oci.image.config.v1+json';
export const MANIFEST_MEDIA_TYPES = new Set([
  MANIFEST_MEDIA_TYPE,
  'application/vnd.docker.distribution.manifest.v2+json',
]);
