import { EdgeError } from '../../market/errors.ts';

/** The one refusal of this folder: the image is not what it says, or not something that we unpack. */
export function imageInvalid(
  reason: string,
  context: Record<string, unknown>,
  cause?: unknown,
): EdgeError<'IMAGE_INVALID'> {
  return new EdgeError('IMAGE_INVALID', `The image is refused: ${reason}.`, {
    context,
    cause,
    remedy: 'Ask its owner to publish the image again; nothing of it was kept.',
  });
}
